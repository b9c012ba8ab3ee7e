import Dispatch

extension Array where Element: Sendable {
  /// Makes something of each element, on all processors side by side, and uses it here, in the elements' order. At any time
  /// there is what was made of a few dozen elements and no more.
  public func madeInOrder<Made: Sendable>(
    _ make: @Sendable (Element) throws -> Made, use: (Made) throws -> Void
  ) throws {
    for start in stride(from: 0, to: count, by: elementsAtOnce) {
      let batch = self[start..<Swift.min(count, start + elementsAtOnce)]
      let made = [Result<Made, any Error>](unsafeUninitializedCapacity: batch.count) { results, count in
        nonisolated(unsafe) let results = results
        DispatchQueue.concurrentPerform(iterations: batch.count) { index in
          (results.baseAddress! + index).initialize(to: Result { try make(batch[start + index]) })
        }
        count = batch.count
      }
      for result in made { try use(result.get()) }
    }
  }
}

private let elementsAtOnce = 64
