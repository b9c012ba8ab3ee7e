/// Settles one number in the first moments of a run: tries each choice for a little while and keeps the best.
///
/// Of the choices whose yield is high enough, the one with the most collisions a second; if none is, of those whose yield
/// is at least what the scenario asks for; and if none is again, the one with the highest yield.
struct Tuning {
  static let roundsEach = 3
  private(set) var choices: [Int]
  /// How long each is tried.
  let seconds: Double
  let enoughYield: Double
  let minimumYield: Double
  private var current = 0
  private var measured: [(rate: Double, yield: Double)] = []
  private var since: (round: Int, time: Double, populations: Int, collisions: Int)?
  /// The round from which on what is counted was raced with the current choice.
  private var firstRound = 0
  /// A round is counted so many rounds after the choice for it was announced.
  private static let roundsUntilCounted = 4

  init(_ choices: [Int], enoughYield: Double, minimumYield: Double, seconds: Double = 0.002) {
    self.choices = choices
    self.seconds = seconds
    self.enoughYield = enoughYield
    self.minimumYield = minimumYield
    isSettled = choices.count < 2
  }

  /// What the next round should use.
  var choice: Int? { choices.isEmpty ? nil : choices[min(current, choices.count - 1)] }
  private(set) var isSettled: Bool

  /// Told after a round what has been counted since the start. The first rounds of a choice are not measured: those in
  /// flight still used the one before.
  mutating func note(round: Int, time: Double, populations: Int, collisions: Int) {
    guard !isSettled, round >= firstRound else { return }
    guard let since else {
      self.since = (round, time, populations, collisions)
      return
    }
    guard time - since.time >= seconds, round >= since.round + Self.roundsEach, populations > since.populations
    else { return }
    let raced = Double(populations - since.populations)
    let collided = Double(collisions - since.collisions)
    measured.append((collided / (time - since.time), collided / raced))
    self.since = nil
    firstRound = round + Self.roundsUntilCounted
    current += 1
    if current == choices.count { settle() }
  }

  /// One more choice, to be tried next, and to be kept where nothing collides.
  mutating func tryAlso(_ choice: Int, afterRound round: Int) {
    choices.insert(choice, at: 0)
    measured = []
    since = nil
    firstRound = round + Self.roundsUntilCounted
    current = 0
  }

  private mutating func settle() {
    current =
      mostCollisions(fromYield: enoughYield) ?? mostCollisions(fromYield: minimumYield)
      ?? measured.indices.max { measured[$0].yield < measured[$1].yield } ?? 0
    isSettled = true
  }

  private func mostCollisions(fromYield yield: Double) -> Int? {
    measured.indices.filter { measured[$0].yield >= yield }.max { measured[$0].rate < measured[$1].rate }
  }
}
