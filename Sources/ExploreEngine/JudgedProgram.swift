import AddonMemory
import ExploreCore
import RaceModel

/// A program whose executions are judged: a site's visits, or code that somebody brought.
open class JudgedProgram: ExploredProgram, TraceNames {
  /// By racer, once an execution has shown who they are.
  open var roleNames: [String] { [] }

  /// Looks at the end of an execution. Answers the evidence where it is out of the ordinary, or asked for.
  open func conclude(inFull: Bool, number: Int) -> Evidence? { nil }

  /// What ends the exploration: something that the program did and that cannot be explored.
  open var refusal: EngineError? { nil }

  /// Why an exploration of it cannot go on: it did not do what it did before.
  open func refusal(of divergence: Divergence) -> EngineError? { nil }

  /// Racer 0 starts the others.
  open var startsRacers: Bool { false }

  /// Where that is not the number that there is room for: how many racers there are, or how many to make room for.
  open var wantedRacers: Int? { nil }

  /// What was not looked into, for the verdict.
  open var notes: [String] { [] }

  open func place(of address: UInt, slots: [UInt: (slot: Int, inode: Int)]) -> Counterexample.Place? { nil }
  open func value(_ value: UInt64) -> Counterexample.Value? { nil }
  open func isShown(_ step: RecordedStep) -> Bool { true }
  open func sources(of places: Set<UInt>) -> [UInt: String] { [:] }
}

/// Makes the program that a scenario is about.
package protocol ExplorableSubject: Sendable {
  /// With room for so many racers, where the program starts them itself.
  ///
  /// - Throws: why it cannot be explored.
  func program(
    of scenario: Scenario, under model: MemoryModel, room racers: Int
  ) throws(EngineError) -> JudgedProgram
}
