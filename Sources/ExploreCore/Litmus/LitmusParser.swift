import AddonMemory
import RaceModel

/// Reads a litmus file's words, by recursive descent.
struct LitmusParser {
  let name: String
  let tokens: [LitmusToken]
  var index = 0
  var initial: [String: LitmusTest.Value] = [:]
  var threads: [[LitmusTest.Instruction]] = []
  var condition: LitmusCondition?
  var filter: LitmusCondition.Proposition?
  var shown: Set<LitmusCondition.Name> = []
  /// By thread: what registers hold at first.
  var initialRegisters: [Int: [(String, LitmusTest.Value)]] = [:]
  /// Names that are places: initial ones, and every thread's parameters.
  var places: Set<String> = []
  /// Of the thread at hand: its parameters, which are addresses of places, and its registers.
  var parameters: Set<String> = []
  var registers: Set<String> = []
  /// By thread, those that the file names.
  var allRegisters: [Set<String>] = []
  var temporaries = 0

  init(name: String, _ tokens: [LitmusToken]) {
    self.name = name
    self.tokens = tokens
  }

  // MARK: Words

  var token: LitmusToken { tokens[min(index, tokens.count - 1)] }
  func peek(_ text: String, _ offset: Int = 0) -> Bool {
    tokens.indices.contains(index + offset) && tokens[index + offset].text == text
  }

  mutating func take(_ text: String) -> Bool {
    guard peek(text) else { return false }
    index += 1
    return true
  }

  mutating func expect(_ text: String) throws(LitmusFile.Invalid) {
    guard take(text) else { throw LitmusFile.Invalid(token, "'\(text)' is missing before '\(token.text)'") }
  }

  mutating func takeName(_ what: String) throws(LitmusFile.Invalid) -> LitmusToken {
    guard token.kind == .name else { throw LitmusFile.Invalid(token, "\(what) is missing before '\(token.text)'") }
    defer { index += 1 }
    return token
  }

  static func number(_ token: LitmusToken) throws(LitmusFile.Invalid) -> UInt64 {
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
    let end = index
    _ = take(";")
    let text = tokens[start..<end].map(\.text).joined(separator: " ").replacing(" = ", with: "=")
      .replacing(" : ", with: ":").replacing("( ", with: "(").replacing(" )", with: ")").replacing("~ ", with: "~")
    condition = LitmusCondition(quantifier: quantifier, proposition: proposition, description: text)
    guard token.kind == .end else { throw LitmusFile.Invalid(token, "'\(token.text)' comes after the end") }
  }

  /// `{ int x = 1; y = 2; int *p = x; 0:r1 = 3; }`
  mutating func initialState() throws(LitmusFile.Invalid) {
    // What a generator says of the test comes before.
    while token.kind != .end, !peek("{") { index += 1 }
    try expect("{")
    while !take("}") {
      if take(";") { continue }
      if token.kind == .number, peek(":", 1) {
        let thread = Int(try Self.number(token))
        index += 2
        let register = try takeName("a register")
        initialRegisters[thread, default: []].append((register.text, take("=") ? try constant() : .constant(0)))
        continue
      }
      while token.kind == .name, tokens.indices.contains(index + 1), tokens[index + 1].kind != .symbol || peek("*", 1) {
        index += 1
      }
      if token.kind == .number { continue }  // a register's type
      while take("*") {}
      let bracketed = take("[")
      let place = try takeName("a place")
      if bracketed { try expect("]") }
      places.insert(place.text)
      if take("=") { initial[place.text] = try constant() }
    }
  }

  /// A number, or the address of a place.
  mutating func constant() throws(LitmusFile.Invalid) -> LitmusTest.Value {
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

  mutating func thread() throws(LitmusFile.Invalid) {
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

  func isLock(_ place: String, _ instructions: [LitmusTest.Instruction]) -> Bool {
    instructions.contains { instruction in
      switch instruction {
      case .lock(let other), .unlock(let other): other == place
      case .when(_, _, let body, let otherwise), .unless(_, _, let body, let otherwise): isLock(place, body + otherwise)
      default: false
      }
    }
  }

  // MARK: Statements

  mutating func block() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    try expect("{")
    var instructions: [LitmusTest.Instruction] = []
    while !take("}") {
      guard token.kind != .end else { throw LitmusFile.Invalid(token, "'}' is missing before '\(token.text)'") }
      instructions += try statement()
    }
    return instructions
  }

  static let types: Set<String> = [
    "int", "long", "unsigned", "signed", "short", "char", "volatile", "const", "struct", "u8", "u16", "u32", "u64",
    "s32",
    "s64", "uintptr_t", "intptr_t", "atomic_t", "bool", "__typeof__", "typeof", "size_t", "void",
  ]
  static let loops: Set<String> = ["while", "for", "do", "goto", "switch"]

  mutating func statement() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
    if take(";") { return [] }
    if peek("{") { return try block() }
    if Self.loops.contains(token.text) {
      throw LitmusFile.Invalid(
        token, "'\(token.text)' is not known in litmus tests", remedy: "write the code out with if")
    }
    if take("if") { return try conditional() }
    if token.kind == .name, Self.types.contains(token.text) { return try declaration() }
    if take("*") {
      var instructions: [LitmusTest.Instruction] = []
      let target = try pointer(&instructions)
      try expect("=")
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

  mutating func declaration() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
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

  mutating func assignment(to register: String) throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
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
  var endOfCall: Int? {
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

  mutating func conditional() throws(LitmusFile.Invalid) -> [LitmusTest.Instruction] {
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

  // MARK: The kernel's primitives

  /// A call, with its arguments. Answers where its value is; nil where there is none.
  mutating func call(
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
      case .pointer: location = try pointer(&instructions)
      case .pointee:
        if !take("*") { throw LitmusFile.Invalid(token, "'*' is missing before '\(token.text)'") }
        location = try pointer(&instructions)
      case .pointeeOrPointer:
        _ = take("*")
        location = try pointer(&instructions)
      case .value: values.append(try expression(&instructions))
      }
    }
    try expect(")")
    let result = wanted ?? temporary()
    instructions += primitive.instructions(location ?? "", values, into: result, temporary: { "\(result)$" })
    return primitive.hasResult ? result : nil
  }
}
