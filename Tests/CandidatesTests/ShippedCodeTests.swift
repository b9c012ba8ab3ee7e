import AddonRace
import Foundation
import Testing

extension CandidateTests {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("scenarios/code")

  static let shipped = ((try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".yaml") }.sorted()

  /// Rust's compiler need not be there; everything else comes with a Swift toolchain.
  static let hasRust =
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .contains { FileManager.default.isExecutableFile(atPath: $0 + "/rustc") }

  @Test func someCodeIsShipped() { #expect(Self.shipped.count >= 13) }

  /// In each model, the wrong ones by the checkers that they name.
  @Test(arguments: shipped) func shippedCode(_ name: String) throws {
    if name.hasPrefix("rust/"), !Self.hasRust { return }
    // Most of the time passes in compilers, which sanitizers do not watch.
    if BuildKind.current != .plain, !name.hasPrefix("c/") { return }
    let file = Self.folder.appendingPathComponent(name)
    let harness = Harness()
    let read = try ScenarioFile.read(
      try String(contentsOf: file, encoding: .utf8), file: file.path, harness.vocabulary)
    let scenario = try harness.built(read)
    for model in scenario.explore.memoryModels where Self.models.contains(model) {
      let verdict = harness.explore(scenario, model)
      #expect(verdict.asExpected, "\(model): \(verdict.outcome) \(verdict.findings.map(\.message)) \(verdict.notes)")
    }
  }
}
