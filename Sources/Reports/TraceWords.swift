import RaceModel

/// The words of a trace's steps.
enum TraceWords {
  static func verb(_ verb: Counterexample.Verb) -> String {
    switch verb {
    case .load: "load"
    case .store: "store"
    case .read: "read"
    case .write: "write"
    case .exchange: "exchange"
    case .fetchAdd: "fetch-add"
    case .fetchOr: "fetch-or"
    case .fetchAnd: "fetch-and"
    case .fetchXor: "fetch-xor"
    case .fetchNand: "fetch-nand"
    case .compareExchange: "compare-exchange"
    case .lostCompareExchange: "compare-exchange, lost"
    case .spuriousFailure: "weak compare-exchange fails spuriously"
    case .lock: "lock"
    case .waitForLock: "waits for lock"
    case .fence: "fence"
    case .allocate: "allocate"
    case .refusedAllocation: "allocate: -ENOMEM"
    case .free: "free"
    case .freeAfterGracePeriod: "free after grace period"
    case .beginSection: "read section begins"
    case .endSection: "read section ends"
    case .beginGracePeriod: "grace period begins"
    case .endGracePeriod: "grace period ends"
    case .waitForSections: "waits for"
    case .handOver: "queues deferred free"
    case .create: "starts racer"
    case .join: "waits for the end of racer"
    case .note: "note:"
    }
  }

  static func place(_ place: Counterexample.Place) -> String {
    func at(_ base: String, _ offset: Int) -> String { offset == 0 ? base : "\(base) + \(offset)" }
    return switch place {
    case .slot(let name, let inode): name + (inode.map { " of inode \($0)" } ?? "")
    case .allocation(let number, let offset): at("allocation \(number)", offset)
    case .inode(let number, let offset): "inode \(number) + \(offset)"
    case .shared(let offset): "shared area + \(offset)"
    case .named(let name): name
    case .sections(let racer): "racer \(racer)'s sections"
    case .deferredFrees(let racer): "racer \(racer)'s deferred frees"
    case .variable(let name, let offset): at(name, offset)
    case .address(let address): Number.hexadecimal(address)
    }
  }

  static func value(_ value: Counterexample.Value) -> String {
    switch value {
    case .null: "NULL"
    case .number(let number): number < 1 << 20 ? "\(number)" : Number.hexadecimal(number)
    case .pointer(.inode(let number, offset: 0)): "inode \(number)"
    case .pointer(let place): TraceWords.place(place)
    case .tagged(let place, let tag): "\(TraceWords.place(place)) tagged \(tag)"
    case .unlocked: "unlocked"
    case .locked: "locked"
    case .shared(let readers): "locked by \(Number.counted(readers, "reader"))"
    case .poison: "the poison of freed memory"
    case .text(let text): text.safe
    }
  }

  /// "load acquire f_owner: NULL".
  static func step(_ step: Counterexample.Step) -> String {
    var text = verb(step.verb)
    if let ordering = step.ordering, ordering != .plain { text += " \(ordering.rawValue)" }
    if let place = step.place { text += " " + TraceWords.place(place) }
    if let value = step.value {
      let found = TraceWords.value(value)
      let values = step.written.map { "\(found) -> \(TraceWords.value($0))" } ?? found
      text += step.place == nil ? " \(values)" : step.verb.isWrite ? " = \(values)" : ": \(values)"
    }
    return text
  }

  static func finding(_ finding: Finding) -> String { "\(finding.checker): \(finding.message)" }
}
