// A trace has many steps, a journal many traces, and a container for each value is most of what writing them costs. So a place
// and a value are one string each: what kind it is, its numbers, and last a name, which may have spaces.

extension Counterexample.Place: Codable {
  public init(from decoder: any Decoder) throws { self = try decoder.words { Self(&$0) } }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(written)
  }

  fileprivate var written: String {
    switch self {
    case .slot(let name, let inode): "slot \(inode.map { "\($0)" } ?? "-") \(name)"
    case .allocation(let number, let offset): "allocation \(number) \(offset)"
    case .inode(let number, let offset): "inode \(number) \(offset)"
    case .shared(let offset): "shared \(offset)"
    case .named(let name): "named \(name)"
    case .variable(let name, let offset): "variable \(offset) \(name)"
    case .sections(let racer): "sections \(racer)"
    case .deferredFrees(let racer): "deferred-frees \(racer)"
    case .address(let address): "address \(address)"
    }
  }

  fileprivate init?(_ words: inout Words) {
    switch words.next() {
    case "slot":
      guard let inode = words.next() else { return nil }
      if inode == "-" {
        self = .slot(words.rest(), inode: nil)
      } else {
        guard let number = Int(inode) else { return nil }
        self = .slot(words.rest(), inode: number)
      }
    case "allocation":
      guard let number: Int = words.number(), let offset: Int = words.number() else { return nil }
      self = .allocation(number, offset: offset)
    case "inode":
      guard let number: Int = words.number(), let offset: Int = words.number() else { return nil }
      self = .inode(number, offset: offset)
    case "shared":
      guard let offset: Int = words.number() else { return nil }
      self = .shared(offset: offset)
    case "named": self = .named(words.rest())
    case "variable":
      guard let offset: Int = words.number() else { return nil }
      self = .variable(words.rest(), offset: offset)
    case "sections":
      guard let racer: Int = words.number() else { return nil }
      self = .sections(racer: racer)
    case "deferred-frees":
      guard let racer: Int = words.number() else { return nil }
      self = .deferredFrees(racer: racer)
    case "address":
      guard let address: UInt64 = words.number() else { return nil }
      self = .address(address)
    default: return nil
    }
  }
}

extension Counterexample.Value: Codable {
  public init(from decoder: any Decoder) throws { self = try decoder.words { Self(&$0) } }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(written)
  }

  private var written: String {
    switch self {
    case .null: "null"
    case .number(let number): "number \(number)"
    case .pointer(let place): "pointer \(place.written)"
    case .tagged(let place, let tag): "tagged \(tag) \(place.written)"
    case .unlocked: "unlocked"
    case .locked: "locked"
    case .shared(let count): "shared \(count)"
    case .poison: "poison"
    case .text(let text): "text \(text)"
    }
  }

  private init?(_ words: inout Words) {
    switch words.next() {
    case "null": self = .null
    case "number":
      guard let number: UInt64 = words.number() else { return nil }
      self = .number(number)
    case "pointer":
      guard let place = Counterexample.Place(&words) else { return nil }
      self = .pointer(place)
    case "tagged":
      guard let tag: UInt16 = words.number(), let place = Counterexample.Place(&words) else { return nil }
      self = .tagged(place, tag: tag)
    case "unlocked": self = .unlocked
    case "locked": self = .locked
    case "shared":
      guard let count: Int = words.number() else { return nil }
      self = .shared(count)
    case "poison": self = .poison
    case "text": self = .text(words.rest())
    default: return nil
    }
  }
}

/// What a string says, word for word.
private struct Words {
  // By bytes: a name's first character may be one that joins the space before it.
  private var left: Substring.UTF8View

  init(_ text: String) { left = text[...].utf8 }

  mutating func next() -> Substring? {
    guard !left.isEmpty else { return nil }
    let word = left.prefix { $0 != UInt8(ascii: " ") }
    left = left[word.endIndex...].dropFirst()
    return Substring(word)
  }

  mutating func number<Number: FixedWidthInteger>() -> Number? { next().flatMap { Number($0) } }

  /// All that is left, spaces included.
  mutating func rest() -> String {
    defer { left = left.dropFirst(left.count) }
    return String(Substring(left))
  }
}

extension Decoder {
  /// The value that a string says.
  fileprivate func words<Value>(_ read: (inout Words) -> Value?) throws -> Value {
    let container = try singleValueContainer()
    let text = try container.decode(String.self)
    var words = Words(text)
    guard let value = read(&words), words.next() == nil else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "“\(text)” is no place or value")
    }
    return value
  }
}
