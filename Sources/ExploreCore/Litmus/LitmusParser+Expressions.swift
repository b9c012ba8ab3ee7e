import RaceModel

/// Values: registers, constants, addresses, and what is computed of them.
extension LitmusParser {
  mutating func temporary() -> String {
    temporaries += 1
    return "$\(temporaries)"
  }

  static let levels: [[(String, LitmusTest.Operation)]] = [
    [("||", .either)], [("&&", .both)], [("|", .or)], [("^", .xor)], [("&", .and)],
    [("==", .equal), ("!=", .notEqual)], [("<", .less), ("<=", .lessOrEqual), (">", .less), (">=", .lessOrEqual)],
    [("+", .add), ("-", .subtract)], [("*", .multiply)],
  ]

  mutating func expression(
    _ instructions: inout [LitmusTest.Instruction], level: Int = 0
  ) throws(LitmusFile.Invalid) -> LitmusTest.Value {
    guard level < Self.levels.count else { return try operand(&instructions) }
    var left = try expression(&instructions, level: level + 1)
    while let (text, operation) = Self.levels[level].first(where: { peek($0.0) }) {
      index += 1
      let right = try expression(&instructions, level: level + 1)
      let isTurned = text.hasPrefix(">")
      let result = temporary()
      instructions.append(.compute(into: result, isTurned ? right : left, operation, isTurned ? left : right))
      left = .register(result)
    }
    return left
  }

  mutating func operand(
    _ instructions: inout [LitmusTest.Instruction]
  ) throws(LitmusFile.Invalid) -> LitmusTest.Value {
    if take("!") {
      let value = try operand(&instructions)
      let result = temporary()
      instructions.append(.compute(into: result, value, .equal, 0))
      return .register(result)
    }
    if take("-") {
      let value = try operand(&instructions)
      if case .constant(let number) = value { return .constant(0 &- number) }
      let result = temporary()
      instructions.append(.compute(into: result, 0, .subtract, value))
      return .register(result)
    }
    if take("*") {
      let result = temporary()
      let target = try pointer(&instructions)
      instructions.append(.read(target, into: result))
      return .register(result)
    }
    if take("&") {
      let place = try takeName("a place")
      places.insert(place.text)
      return .address(place.text)
    }
    if take("(") {
      if token.kind == .name, Self.types.contains(token.text) {  // a cast
        while token.kind != .end, !take(")") { index += 1 }
        return try operand(&instructions)
      }
      let value = try expression(&instructions)
      try expect(")")
      return value
    }
    if token.kind == .number {
      defer { index += 1 }
      return .constant(try Self.number(token))
    }
    let name = token
    guard name.kind == .name else { throw LitmusFile.Invalid(name, "a value is missing before '\(name.text)'") }
    if peek("(", 1) {
      let result = temporary()
      guard try call(into: result, &instructions) != nil else {
        throw LitmusFile.Invalid(name, "'\(name.text)' gives no value")
      }
      return .register(result)
    }
    index += 1
    if let known = ["NULL": 0, "false": 0, "true": 1][name.text] { return .constant(UInt64(known)) }
    if registers.contains(name.text) { return .register(name.text) }
    if parameters.contains(name.text) || places.contains(name.text) { return .address(name.text) }
    throw LitmusFile.Invalid(
      name, "'\(name.text)' is neither a register that was written, nor a parameter",
      remedy: Suggestion.remedy(for: name.text, among: (registers.union(parameters)).sorted()))
  }

  /// What a pointer points to: a parameter's place, or what a register leads to.
  /// With an offset, what its sum leads to.
  mutating func pointer(
    _ instructions: inout [LitmusTest.Instruction]
  ) throws(LitmusFile.Invalid) -> LitmusTest.Location {
    var target = try pointerAlone(&instructions)
    while peek("+") || peek("-") {
      let operation: LitmusTest.Operation = take("+") ? .add : .subtract
      if operation == .subtract { index += 1 }
      let offset = try expression(&instructions, level: Self.levels.count - 1)
      let sum = temporary()
      let base: LitmusTest.Value =
        switch target {
        case .place(let place): .address(place)
        case .through(let register): .register(register)
        }
      instructions.append(.compute(into: sum, base, operation, offset))
      target = .through(sum)
    }
    return target
  }

  private mutating func pointerAlone(
    _ instructions: inout [LitmusTest.Instruction]
  ) throws(LitmusFile.Invalid) -> LitmusTest.Location {
    if take("(") {
      if token.kind == .name, Self.types.contains(token.text) {  // a cast
        while token.kind != .end, !take(")") { index += 1 }
        return try pointerAlone(&instructions)
      }
      let inner = try pointer(&instructions)
      try expect(")")
      return inner
    }
    if take("&") {
      let place = try takeName("a place")
      places.insert(place.text)
      return .place(place.text)
    }
    let name = try takeName("a pointer")
    if registers.contains(name.text) { return .through(name.text) }
    if parameters.contains(name.text) || places.contains(name.text) { return .place(name.text) }
    throw LitmusFile.Invalid(
      name, "'\(name.text)' is neither a parameter nor a register",
      remedy: Suggestion.remedy(for: name.text, among: (registers.union(parameters)).sorted()))
  }
}
