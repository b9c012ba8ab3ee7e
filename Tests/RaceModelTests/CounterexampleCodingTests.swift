import Foundation
import RaceModel
import Testing

/// Traces survive the way to a journal, names with whatever in them included.
@Suite struct CounterexampleCodingTests {
  typealias Place = Counterexample.Place
  typealias Value = Counterexample.Value

  static let places: [Place] = [
    .slot("the owner", inode: nil), .slot("3 owners", inode: 2), .slot("\u{301}", inode: nil), .slot("", inode: 0),
    .allocation(3, offset: 8), .allocation(0, offset: -8), .inode(1, offset: 16), .shared(offset: 24), .named("x y"),
    .variable("a::b<c, d>", offset: 4), .variable("- \"quoted\"\n", offset: 0), .sections(racer: 2),
    .deferredFrees(racer: 1), .address(.max),
  ]

  @Test(arguments: places) func aPlaceIsReadAsItWasWritten(_ place: Place) throws {
    #expect(try again(place) == place)
    #expect(try again(Value.pointer(place)) == .pointer(place))
    #expect(try again(Value.tagged(place, tag: 7)) == .tagged(place, tag: 7))
  }

  @Test(
    arguments: [
      .null, .number(.max), .unlocked, .locked, .shared(-2), .poison, .text("null"), .text(" two  spaces "), .text(""),
    ] as [Value]) func aValueIsReadAsItWasWritten(_ value: Value) throws
  {
    #expect(try again(value) == value)
  }

  @Test(arguments: [
    "", "nothing", "allocation 1", "allocation 1 x", "allocation 1 2 3", "slot", "slot x owner", "address -1",
  ]) func whatIsNoPlaceIsAnError(_ text: String) {
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([Place].self, from: JSONEncoder().encode([text])) }
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Value].self, from: JSONEncoder().encode(["pointer \(text)"]))
    }
  }

  private func again<Coded: Codable>(_ value: Coded) throws -> Coded {
    try JSONDecoder().decode([Coded].self, from: JSONEncoder().encode([value]))[0]
  }
}
