import AddonRace
import Foundation

/// What was observed of one litmus test under one model, as `--format json` and `--format jsonl` print it.
struct LitmusDocument: Encodable {
  struct State: Encodable {
    var state: String
    var executions: Int
  }

  var path: String
  var model: MemoryModel
  /// The exit status that this test alone would give.
  var status: Int32
  /// What is wrong with the file, why nothing can be said, or what its header says otherwise.
  var message: String?
  var name: String?
  var condition: String?
  /// Whether it is as the condition wants.
  var holds: Bool?
  /// "Never", "Sometimes" or "Always".
  var observation: String?
  /// What the file's header says of that.
  var header: String?
  var states: [State]?
  /// Whether only states are here that end as the condition says, and one other: of the rest there are too many.
  var isOfCondition: Bool?
  var positive: Int?
  var negative: Int?
  /// "data-race" among them.
  var flags: [String]?
  var executions: Int?
  var seconds: Double?
}
