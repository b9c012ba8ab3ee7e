import BenchEngine
import BenchModel
import CCandidate
import Foundation
import RaceModel

/// Racers that somebody brought, as a bench measures them: their functions, called in a loop that is compiled with them,
/// with the C library's heap, beside C11 by hand and Linux's strategy.
package struct MeasuredCandidate {
  private let object: LoadedObject
  private let scenario: Scenario
  private let setUp: UnsafeMutableRawPointer
  private let tearDown: UnsafeMutableRawPointer
  private let size: Int
  private let alignment: Int

  package init(_ scenario: Scenario) throws(EngineError) {
    let object = try RacedCandidate().object(of: scenario)
    guard object.built.roles != nil else {
      throw EngineError("a whole program has no visit to measure: write it as racers that share an object")
    }
    guard let layout = object.function("addonrace_object_layout")?.assumingMemoryBound(to: UInt.self),
      let setUp = object.function("addonrace_setup_object"), let tearDown = object.function("addonrace_teardown_object")
    else { throw EngineError("racers without an object have no slot to measure: let them take a pointer to one") }
    self.object = object
    self.scenario = scenario
    self.setUp = setUp
    self.tearDown = tearDown
    size = Int(layout[0])
    alignment = max(8, Int(layout[1]))
  }

  /// All roles that populate an empty object, beside the reference and Linux's way.
  package func contest(_ options: BenchOptions, beside codes: [MeasuredCode]) throws(EngineError) -> Contest {
    ccandidate_bind_race(object.bindFunction, ccandidate_measuring_server())
    let (roles, biggest) = populating
    guard !roles.isEmpty else {
      throw EngineError("no racer allocates anything on an object that nobody has visited: there is nothing to measure")
    }
    let spacing = (max(options.spacing, size) + alignment - 1) / alignment * alignment
    let field = BenchField(inodes: options.inodes, spacing: spacing, racers: max(2, options.racers.max() ?? 2))
    // The lock and the back pointer that C11 by hand writes take 24 bytes.
    var contestants = [Contestant.reference(addonSize: max(24, (biggest + 7) / 8 * 8), on: field)]
    contestants += roles.compactMap { contestant($0, on: field) }
    if let linux = codes.first(where: { $0.site == Self.site && $0.strategy.name == Self.strategy }) {
      contestants.append(Contestant(linux, named: "Linux's \(Self.site)", on: field))
    }
    return Contest(
      scenario.name, site: "code", role: roles.joined(separator: ", "), on: field, contestants)
  }

  private static let site = "file-owner"
  private static let strategy = "compare-exchange"

  /// Roles that allocate when they are the first to visit an object, and the bytes of the biggest allocation.
  private var populating: ([String], biggest: Int) {
    var found: [String] = []
    var biggest = 0
    for role in object.built.roles ?? [] {
      guard let visit = object.function("addonrace_racer_\(role)_object") else { continue }
      let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(size, 8), alignment: max(alignment, 16))
      scratch.initializeMemory(as: UInt8.self, repeating: 0, count: max(size, 8))
      ccandidate_call_with(setUp, scratch)
      _ = ccandidate_take_counts()
      ccandidate_call_with(visit, scratch)
      let counts = ccandidate_take_counts()
      ccandidate_call_with(tearDown, scratch)
      scratch.deallocate()
      guard counts.allocations > 0 else { continue }
      found.append(role)
      biggest = max(biggest, counts.biggest)
    }
    return (found, biggest)
  }

  private func contestant(_ role: String, on field: BenchField) -> Contestant? {
    guard let visits = object.function("addonrace_visits_\(role)"),
      let timed = object.function("addonrace_timed_\(role)")
    else { return nil }
    let (setUp, tearDown) = (UncheckedFunction(setUp), UncheckedFunction(tearDown))
    func forEach(_ body: (UnsafeMutableRawPointer) -> Void) {
      let (first, spacing, count) = field.inodes
      for number in 0..<count { body(first + number * spacing) }
    }
    func note(_ racer: Int) {
      let counts = ccandidate_take_counts()
      field.counts.add(allocations: counts.allocations, losses: counts.frees, by: racer)
    }
    return Contestant(
      "\(scenario.name): \(role)", countsRetries: true,
      create: {
        field.clear()
        forEach { ccandidate_call_with(setUp.address, $0) }
      },
      visit: { racer, passes in
        let (first, spacing, count) = field.inodes
        ccandidate_visits(visits, first, spacing, count, passes)
        note(racer)
      },
      timedVisit: { racer, ticks in
        let (first, spacing, count) = field.inodes
        ccandidate_timed_visits(timed, first, spacing, count, ticks)
        note(racer)
      },
      visitFirst: { count in
        let (first, spacing, _) = field.inodes
        ccandidate_visits(visits, first, spacing, count, 1)
        note(0)
      },
      empty: {
        forEach { ccandidate_call_with(tearDown.address, $0) }
        field.clear()
        forEach { ccandidate_call_with(setUp.address, $0) }
      })
  }
}

/// A function's address, which racers share.
private struct UncheckedFunction: @unchecked Sendable {
  let address: UnsafeMutableRawPointer
  init(_ address: UnsafeMutableRawPointer) { self.address = address }
}
