/// Settles one number in the first moments of a run: tries each choice for a little while and keeps the best.
///
/// Of the choices whose yield is high enough, the one with the most collisions a second; if none is, the one with the
/// highest yield.
struct Tuning {
  static let secondsEach = 0.002
  let choices: [Int]
  let enoughYield: Double
  private var current = 0
  private var measured: [(rate: Double, yield: Double)] = []
  private var since: (time: Double, populations: Int, collisions: Int)?

  init(_ choices: [Int], enoughYield: Double) {
    self.choices = choices
    self.enoughYield = enoughYield
    isSettled = choices.count < 2
  }

  /// What the next round should use.
  var choice: Int? { choices.isEmpty ? nil : choices[min(current, choices.count - 1)] }
  private(set) var isSettled: Bool

  /// Told after a round what has been counted since the start. The first rounds of a choice are not measured: those in
  /// flight still used the one before.
  mutating func note(time: Double, populations: Int, collisions: Int) {
    guard !isSettled else { return }
    guard let since else {
      self.since = (time, populations, collisions)
      return
    }
    let seconds = time - since.time
    guard seconds >= Self.secondsEach, populations > since.populations else { return }
    let raced = Double(populations - since.populations)
    let collided = Double(collisions - since.collisions)
    measured.append((collided / seconds, collided / raced))
    self.since = nil
    current += 1
    if current == choices.count { settle() }
  }

  private mutating func settle() {
    let enough = measured.indices.filter { measured[$0].yield >= enoughYield }
    current =
      enough.max { measured[$0].rate < measured[$1].rate }
      ?? measured.indices.max { measured[$0].yield < measured[$1].yield } ?? 0
    isSettled = true
  }
}
