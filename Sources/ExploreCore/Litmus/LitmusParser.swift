import AddonMemory
import RaceModel

/// Reads a litmus file's words, by recursive descent.
struct LitmusParser {
  private let name: String
  private let tokens: [LitmusToken]
  private var index = 0
  private(set) var initial: [String: LitmusTest.Value] = [:]
  private(set) var threads: [[LitmusTest.Instruction]] = []
  private(set) var condition: LitmusCondition?
  private(set) var filter: LitmusCondition.Proposition?
  private(set) var shown: Set<LitmusCondition.Name> = []
  /// By thread: what registers hold at first.
  private var initialRegisters: [Int: [(String, LitmusTest.Value)]] = [:]
  /// Names that are places: initial ones, and every thread's parameters.
  private var places: Set<String> = []
  /// Of the thread at hand: its parameters, which are addresses of places, and its registers.
  private var parameters: Set<String> = []
  private var registers: Set<String> = []
  /// By thread, those that the file names.
  private var allRegisters: [Set<String>] = []
  private var temporaries = 0

  init(name: String, _ tokens: [LitmusToken]) {
    self.name = name
    self.tokens = tokens
  }

  // MARK: Words

  private var token: LitmusToken { tokens[min(index, tokens.count - 1)] }
  private func peek(_ text: String, _ offset: Int = 0) -> Bool {
    tokens.indices.contains(index + offset) && tokens[index + offset].text == text
  }

  private mutating func take(_ text: String) -> Bool {
    guard peek(text) else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ text: String) throws(LitmusFile.Invalid) {
    guard take(text) else { throw LitmusFile.Invalid(token, "'\(text)' is missing before '\(token.text)'") }
  }

  private mutating func takeName(_ what: String) throws(LitmusFile.Invalid) -> LitmusToken {
    guard token.kind == .name else { throw LitmusFile.Invalid(token, "\(what) is missing before '\(token.text)'") }
    defer { index += 1 }
    return token
  }

  private static func number(_ token: LitmusToken) throws(LitmusFile.Invalid) -> UInt64 {
    var digits = token.text.lowercased()
    while let last = digits.last, "ul".contains(last), !digits.hasPrefix("0x") { digits.removeLast() }
    let value = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    guard let value else { throw LitmusFile.Invalid(token, "'\(token.text)' is no number") }
    return value
  }

  // MARK: The file

  mutating func parse() throws(LitmusFile.Invalid) {
    try initialState()
    while token.kind == .name, token.text.first == "P", let number = Int(token.text.dropFirst()) {
      guard number == threads.count else {
        throw LitmusFile.Invalid(token, "'\(token.text)' is out of turn: P\(threads.count) comes next")
      }
      index += 1
      try thread()
    }
    // A place that is only read is 0.
    for place in places where initial[place] == nil && !isLock(place, threads.flatMap { $0 }) { initial[place] = 0 }
    guard !threads.isEmpty else {
      throw LitmusFile.Invalid(token, "there is no thread", remedy: "the first is P0(...) {...}")
    }
    if take("locations") { try locations() }
    if take("filter") { filter = try proposition() }
    if take("locations") { try locations() }
    let start = index
    let quantifier: LitmusCondition.Quantifier
    if take("exists") {
      quantifier = .exists
    } else if take("forall") {
      quantifier = .forall
    } else if take("~") {
      try expect("exists")
      quantifier = .never
    } else {
      throw LitmusFile.Invalid(
        token, "there is no condition before '\(token.text)'",
        remedy: "write exists (...), ~exists (...) or forall (...)")
    }
    let proposition = try proposition()
    let text = tokens[start..<index].map(\.text).joined(separator: " ").replacing(" = ", with: "=")
      .replacing(" : ", with: ":").replacing("( ", with: "(").replacing(" )", with: ")").replacing("~ ", with: "~")
    condition = LitmusCondition(quantifier: quantifier, proposition: proposition, description: text)
    guard token.kind == .end else { throw LitmusFile.Invalid(token, "'\(token.text)' comes after the end") }
  }

  /// `{ int x = 1; y = 2; int *p = x; 0:r1 = 3; }`
  private mutating func initialState() throws(LitmusFile.Invalid) {
    // What a generator says of the test comes before.
    while token.kind != .end, !peek("{") { index += 1 }
    try expect("{")
    while !take("}") {
      if take(";") { continue }
      if token.kind == .number, peek(":", 1) {
        let thread = Int(try Self.number(token))
        index += 2
        let register = try takeName("a register")
        try expect("=")
        initialRegisters[thread, default: []].append((register.text, try constant()))
        continue
      }
      while token.kind == .name, tokens.indices.contains(index + 1), tokens[index + 1].kind == .name || peek("*", 1) {
        index += 1
      }
      while take("*") {}
      let bracketed = take("[")
      let place = try takeName("a place")
      if bracketed { try expect("]") }
      places.insert(place.text)
      if take("=") { initial[place.text] = try constant() }
    }
  }

  /// A number, or the address of a place.
  private mutating func constant() throws(LitmusFile.Invalid) -> LitmusTest.Value {
    let isNegative = take("-")
    _ = take("&")
    if take("(") {  // a type
      while token.kind != .end, !take(")") { index += 1 }
    }
    if token.kind == .number {
      defer { index += 1 }
      let value = try Self.number(token)
      return .constant(isNegative ? 0 &- value : value)
    }
    let place = try takeName("a number or a place")
    if take("(") {  // ATOMIC_INIT
      let value = try constant()
      try expect(")")
      return value
    }
    if place.text == "NULL" { return .constant(0) }
    places.insert(place.text)
    return .address(place.text)
  }

  private mutating func thread() throws(LitmusFile.Invalid) {
    parameters = []
    registers = []
    temporaries = 0
    try expect("(")
    while !take(")") {
      // The last word before a comma is the name.
      var last: LitmusToken?
      while token.kind != .end, !peek(","), !peek(")") {
        if token.kind == .name { last = token }
        index += 1
      }
      if let last, last.text != "void" {
        parameters.insert(last.text)
        places.insert(last.text)
      }
      _ = take(",")
      guard token.kind != .end else { throw LitmusFile.Invalid(token, "')' is missing before '\(token.text)'") }
    }
    var instructions: [LitmusTest.Instruction] = []
    for (register, value) in initialRegisters[threads.count] ?? [] {
      registers.insert(register)
      instructions.append(.compute(into: register, value, .add, 0))
    }
    instructions += try block()
    threads.append(instructions)
    allRegisters.append(registers)
  }

  private func isLock(_ place: String, _ instructions: [LitmusTest.Instruction]) -> Bool {
    instructions.contains { instruction in
      switch instruction {
      case .lock(let other), .unlock(let other): other == place
      case .when(_, _, let body, let otherwise), .unless(_, _, let body, let otherwise): isLock(place, body + otherwise)
      default: false
      }
    }
  }

  // MARK: Statements

  private mutating func block() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    try expect("{")
    var instructions: [LitmusTest.Instruction] = []
    while !take("}") {
      guard token.kind != .end else { throw LitmusFile.Invalid(token, "'}' is missing before '\(token.text)'") }
      instructions += try statement()
    }
    return instructions
  }

  private static let types: Set<String> = [
    "int", "long", "unsigned", "signed", "short", "char", "volatile", "const", "struct", "u8", "u16", "u32", "u64",
    "s32",
    "s64", "uintptr_t", "intptr_t", "atomic_t", "bool", "__typeof__", "typeof", "size_t", "void",
  ]
  private static let loops: Set<String> = ["while", "for", "do", "goto", "switch"]

  private mutating func statement() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    if take(";") { return [] }
    if peek("{") { return try block() }
    if Self.loops.contains(token.text) {
      throw LitmusFile.Invalid(
        token, "'\(token.text)' is not known in litmus tests", remedy: "write the code out with if")
    }
    if take("if") { return try conditional() }
    if token.kind == .name, Self.types.contains(token.text) { return try declaration() }
    if take("*") {
      let target = try pointer()
      try expect("=")
      var instructions: [LitmusTest.Instruction] = []
      let value = try expression(&instructions)
      try expect(";")
      return instructions + [.write(target, value)]
    }
    if token.kind == .name, peek("=", 1) {
      let register = token.text
      index += 2
      let instructions = try assignment(to: register)
      try expect(";")
      return instructions
    }
    guard token.kind == .name, peek("(", 1) else {
      throw LitmusFile.Invalid(token, "'\(token.text)' begins no statement that is known in litmus tests")
    }
    var instructions: [LitmusTest.Instruction] = []
    _ = try call(into: nil, &instructions)
    try expect(";")
    return instructions
  }

  private mutating func declaration() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    while token.kind == .name, Self.types.contains(token.text) {
      let isStruct = token.text == "struct"
      index += 1
      if isStruct { index += 1 }
    }
    var instructions: [LitmusTest.Instruction] = []
    repeat {
      while take("*") {}
      let register = try takeName("a register")
      // It may be named in its own value.
      registers.insert(register.text)
      instructions.append(.compute(into: register.text, 0, .add, 0))
      if take("=") { instructions += try assignment(to: register.text) }
    } while take(",")
    try expect(";")
    return instructions
  }

  private mutating func assignment(to register: String) throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    var instructions: [LitmusTest.Instruction] = []
    // A single access goes into the register as it is.
    if token.kind == .name, peek("(", 1), let end = endOfCall, tokens[end].text == ";" || tokens[end].text == "," {
      if try call(into: register, &instructions) != nil {
        registers.insert(register)
        return instructions
      }
      throw LitmusFile.Invalid(tokens[index - 1], "nothing comes back that '\(register)' could hold")
    }
    let value = try expression(&instructions)
    registers.insert(register)
    return instructions + [.compute(into: register, value, .add, 0)]
  }

  /// The word after the call that begins here.
  private var endOfCall: Int? {
    var depth = 0
    for place in (index + 1)..<tokens.count {
      if tokens[place].text == "(" { depth += 1 }
      if tokens[place].text == ")" {
        depth -= 1
        if depth == 0 { return place + 1 < tokens.count ? place + 1 : nil }
      }
    }
    return nil
  }

  private mutating func conditional() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    try expect("(")
    var instructions: [LitmusTest.Instruction] = []
    let condition = try expression(&instructions)
    try expect(")")
    let before = registers
    let body = try statement()
    let after = registers
    registers = before
    let otherwise = take("else") ? try statement() : []
    registers.formUnion(after)
    guard case .register(let register) = condition else {
      let holds = if case .constant(0) = condition { false } else { true }
      return instructions + (holds ? body : otherwise)
    }
    return instructions + [.unless(register, is: 0, body, otherwise: otherwise)]
  }

  // MARK: Expressions

  private mutating func temporary() -> String {
    temporaries += 1
    return "$\(temporaries)"
  }

  private static let levels: [[(String, LitmusTest.Operation)]] = [
    [("||", .either)], [("&&", .both)], [("|", .or)], [("^", .xor)], [("&", .and)],
    [("==", .equal), ("!=", .notEqual)], [("<", .less), ("<=", .lessOrEqual), (">", .less), (">=", .lessOrEqual)],
    [("+", .add), ("-", .subtract)], [("*", .multiply)],
  ]

  private mutating func expression(
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

  private mutating func operand(
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
      instructions.append(.read(try pointer(), into: result))
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
    if name.text == "NULL" { return .constant(0) }
    if registers.contains(name.text) { return .register(name.text) }
    if parameters.contains(name.text) || places.contains(name.text) { return .address(name.text) }
    throw LitmusFile.Invalid(
      name, "'\(name.text)' is neither a register that was written, nor a parameter",
      remedy: Suggestion.remedy(for: name.text, among: (registers.union(parameters)).sorted()))
  }

  /// What a pointer points to: a parameter's place, or what a register leads to.
  private mutating func pointer() throws(LitmusFile.Invalid) -> LitmusTest.Location {
    if take("(") {
      if token.kind == .name, Self.types.contains(token.text) {  // a cast
        while token.kind != .end, !take(")") { index += 1 }
        return try pointer()
      }
      let inner = try pointer()
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

  // MARK: The kernel's primitives

  /// A call, with its arguments. Answers where its value is; nil where there is none.
  private mutating func call(
    into wanted: String?, _ instructions: inout [LitmusTest.Instruction]
  ) throws(LitmusFile.Invalid) -> String? {
    let name = token
    index += 1
    guard let primitive = LitmusPrimitive(name.text) else {
      throw LitmusFile.Invalid(
        name, "'\(name.text)' is not known",
        remedy: Suggestion.remedy(
          for: name.text, among: LitmusPrimitive.names, else: "it is none of the kernel's primitives that are modelled")
      )
    }
    try expect("(")
    var location: LitmusTest.Location?
    var values: [LitmusTest.Value] = []
    for (number, kind) in primitive.arguments.enumerated() {
      if number > 0 { try expect(",") }
      switch kind {
      case .pointer: location = try pointer()
      case .pointee:
        if !take("*") { throw LitmusFile.Invalid(token, "'*' is missing before '\(token.text)'") }
        location = try pointer()
      case .value: values.append(try expression(&instructions))
      }
    }
    try expect(")")
    let result = wanted ?? temporary()
    instructions += primitive.instructions(location ?? "", values, into: result, temporary: { "\(result)$" })
    return primitive.hasResult ? result : nil
  }

  // MARK: Conditions

  /// `[x; 0:r1;]`
  private mutating func locations() throws(LitmusFile.Invalid) {
    try expect("[")
    while !take("]") {
      if take(";") { continue }
      shown.insert(try conditionName())
      _ = take("*")
    }
  }

  private mutating func conditionName() throws(LitmusFile.Invalid) -> LitmusCondition.Name {
    if token.kind == .number {
      let start = token
      let thread = Int(try Self.number(token))
      index += 1
      try expect(":")
      let register = try takeName("a register")
      guard allRegisters.indices.contains(thread) else {
        throw LitmusFile.Invalid(start, "there is no thread \(thread); there are \(allRegisters.count)")
      }
      guard allRegisters[thread].contains(register.text) else {
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

  private mutating func proposition() throws(LitmusFile.Invalid) -> LitmusCondition.Proposition {
    var left = try conjunction()
    while take("\\/") { left = .or(left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws(LitmusFile.Invalid) -> LitmusCondition.Proposition {
    var left = try atom()
    while take("/\\") { left = .and(left, try atom()) }
    return left
  }

  private mutating func atom() throws(LitmusFile.Invalid) -> LitmusCondition.Proposition {
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
