import RaceModel

/// What a file asks of final states.
extension LitmusParser {
  /// `[x; 0:r1;]`
  mutating func locations() throws(LitmusFile.Invalid) {
    try expect("[")
    while !take("]") {
      if take(";") { continue }
      shown.insert(try conditionName(isShownOnly: true))
      _ = take("*")
    }
  }

  /// A register that is only shown need not be there: it holds 0.
  mutating func conditionName(isShownOnly: Bool = false) throws(LitmusFile.Invalid) -> LitmusCondition.Name {
    if token.kind == .number {
      let start = token
      let thread = Int(try Self.number(token))
      index += 1
      try expect(":")
      let register = try takeName("a register")
      guard allRegisters.indices.contains(thread) else {
        throw LitmusFile.Invalid(start, "there is no thread \(thread); there are \(allRegisters.count)")
      }
      guard isShownOnly || allRegisters[thread].contains(register.text) else {
        throw LitmusFile.Invalid(
          register, "P\(thread) has no register '\(register.text)'",
          remedy: Suggestion.remedy(for: register.text, among: allRegisters[thread].sorted()))
      }
      return .register(thread: thread, register.text)
    }
    let bracketed = take("[")
    let isPointee = take("*")
    let place = try takeName("a place")
    if bracketed { try expect("]") }
    _ = isPointee
    guard places.contains(place.text) else {
      throw LitmusFile.Invalid(
        place, "there is no place '\(place.text)'", remedy: Suggestion.remedy(for: place.text, among: places.sorted()))
    }
    return .place(place.text)
  }

  mutating func proposition() throws(LitmusFile.Invalid) -> LitmusCondition.Proposition {
    var left = try conjunction()
    while take("\\/") { left = .or(left, try conjunction()) }
    return left
  }

  mutating func conjunction() throws(LitmusFile.Invalid) -> LitmusCondition.Proposition {
    var left = try atom()
    while take("/\\") { left = .and(left, try atom()) }
    return left
  }

  mutating func atom() throws(LitmusFile.Invalid) -> LitmusCondition.Proposition {
    if take("~") || take("not") { return .not(try atom()) }
    if take("(") {
      let inner = try proposition()
      try expect(")")
      return inner
    }
    if take("true") { return .always }
    if take("false") { return .not(.always) }
    let name = try conditionName()
    let isUnequal = take("!=")
    if !isUnequal, !take("==") { try expect("=") }
    if token.kind == .number, peek(":", 1) {
      let same = LitmusCondition.Proposition.same(name, try conditionName())
      return isUnequal ? .not(same) : same
    }
    let value: LitmusOutcome.Value =
      switch try constant() {
      case .constant(let number): .number(number)
      case .address(let place): .address(place)
      case .register: .number(0)
      }
    let equal = LitmusCondition.Proposition.equal(name, value)
    return isUnequal ? .not(equal) : equal
  }
}
