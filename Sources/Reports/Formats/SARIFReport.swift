import Foundation
import RaceModel

/// SARIF 2.1.0, for code scanning: a result for each finding. The execution that shows it is a code flow: the interleaving as
/// its first thread flow, since viewers show that one, then one for each racer, with the same numbers.
public struct SARIFReport: ReportFormat {
  public static let name = "sarif"
  public static let extensions = ["sarif", "sarif.json"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    let checkers = Set(verdicts.lazy.flatMap(\.findings).map(\.checker))
    let driver = SARIF.Driver(
      name: Product.name, version: Product.version, rules: checkers.sorted().map { SARIF.Rule(id: $0) })
    var document = try StreamedJSON(isIndented: false) {
      SARIF.Log(runs: [SARIF.Run(tool: SARIF.Tool(driver: driver), results: [$0])])
    }
    let encoder = CompactJSON()
    try verdicts.madeInOrder { verdict in
      // The same for each finding that it explains, and most of the document.
      let flow = try verdict.counterexample.map { try SARIF.CodeFlow($0).text(encoder) }
      return try verdict.findings.map { finding in
        let result = try encoder.text(SARIF.Result(finding, in: verdict))
        return flow.map { result.replacing(SARIF.Result.placeOfFlow, with: $0, maxReplacements: 1) } ?? result
      }
    } use: { results in
      for result in results { try write(document.piece(result)) }
    }
    try write(document.end)
  }
}

/// The part of SARIF that is written here, by the standard's names.
private enum SARIF {
  /// Of results, or of what stands for them.
  struct Log<Result: Encodable>: Encodable {
    let schema = "https://json.schemastore.org/sarif-2.1.0.json"
    let version = "2.1.0"
    let runs: [Run<Result>]
    enum CodingKeys: String, CodingKey {
      case schema = "$schema"
      case version, runs
    }
  }
  struct Run<Result: Encodable>: Encodable {
    let tool: Tool
    let results: [Result]
    let columnKind = "unicodeCodePoints"
  }
  struct Tool: Encodable { let driver: Driver }
  struct Driver: Encodable {
    let name: String
    let version: String
    let rules: [Rule]
  }
  struct Rule: Encodable { let id: String }
  struct Message: Encodable { let text: String }

  struct Result: Encodable {
    let ruleId: String
    /// What a scenario expects is a note.
    let level: String
    let message: Message
    let locations: [Location]
    /// Stands for the code flow, which is encoded once for all findings of its verdict.
    let codeFlows: [String]?
    let partialFingerprints: [String: String]
    let properties: [String: String]

    static let placeOfFlow = "\"the execution that shows it\""

    init(_ finding: Finding, in verdict: Verdict) {
      ruleId = finding.checker
      level = verdict.asExpected ? "note" : "error"
      message = Message(text: "\(verdict.title): \(Sentence.finding(finding))")
      let shown = verdict.counterexample.flatMap { $0.explains(finding) ? $0 : nil }
      let marked = shown?.steps.filter(\.isMarked).compactMap { PhysicalLocation(source: $0.source) } ?? []
      let file = verdict.file.map {
        PhysicalLocation(artifactLocation: Artifact(uri: $0), region: Region(startLine: 1))
      }
      locations = (marked.isEmpty ? [file].compactMap { $0 } : marked).map { Location(physicalLocation: $0) }
      codeFlows = shown.map { _ in [String(Self.placeOfFlow.dropFirst().dropLast())] }
      partialFingerprints = ["addonrace/v1": "\(FindingID(finding, in: verdict))"]
      properties = ["command": verdict.command, "scenario": verdict.scenario.name, "engine": verdict.engine.name]
    }
  }

  /// The interleaving, and each racer's steps.
  struct CodeFlow {
    private let counterexample: Counterexample
    init(_ counterexample: Counterexample) { self.counterexample = counterexample }

    /// In JSON. Each step stands in two thread flows, and is encoded once.
    func text(_ encoder: CompactJSON) throws -> String {
      let steps = try counterexample.steps.enumerated().map { index, step in
        (racer: step.racer, text: try encoder.text(StepLocation(index, step, counterexample.roles)))
      }
      let own = Dictionary(grouping: steps, by: \.racer).sorted { $0.key < $1.key }
      let flows =
        [(id: "interleaving", steps: steps)]
        + own.map { (id: "racer \($0) (\(counterexample.roles[$0]))", steps: $1) }
      let texts = try flows.map { flow in
        #"{"id":\#(try encoder.text(flow.id)),"locations":[\#(flow.steps.map(\.text).joined(separator: ","))]}"#
      }
      return #"{"threadFlows":[\#(texts.joined(separator: ","))]}"#
    }
  }
  struct StepLocation: Encodable {
    let location: Location
    /// From 1, the same in all thread flows.
    let executionOrder: Int
    let importance: String

    init(_ index: Int, _ step: Counterexample.Step, _ roles: [String]) {
      let reads = step.readsFrom.map { ", of step \($0 + 1)" } ?? ""
      let text =
        "racer \(step.racer) (\(roles[step.racer])): \(TraceWords.step(step))\(reads)\(step.isStale ? ", stale" : "")"
      location = Location(message: Message(text: text), physicalLocation: PhysicalLocation(source: step.source))
      executionOrder = index + 1
      importance = step.isMarked ? "essential" : "important"
    }
  }
  struct Location: Encodable {
    var message: Message?
    var physicalLocation: PhysicalLocation?
  }
  struct PhysicalLocation: Encodable {
    let artifactLocation: Artifact
    let region: Region

    init(artifactLocation: Artifact, region: Region) {
      self.artifactLocation = artifactLocation
      self.region = region
    }
    /// Of "FileOwner.swift:44".
    init?(source: String?) {
      guard let source, let colon = source.lastIndex(of: ":"), let line = Int(source[source.index(after: colon)...]),
        line > 0
      else { return nil }
      self.init(artifactLocation: Artifact(uri: String(source[..<colon])), region: Region(startLine: line))
    }
  }
  struct Artifact: Encodable {
    let uri: String
    init(uri: String) {
      self.uri = uri.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? uri
    }
  }
  struct Region: Encodable { let startLine: Int }
}
