import RaceModel

/// JUnit's XML, as continuous integration reads it: a suite for each scenario file, a case for each verdict. What a scenario
/// expects is passed; what it does not is a failure, or an error where it could not be decided.
public struct JUnitReport: ReportFormat {
  public static let name = "junit"
  public static let extensions = ["xml"]
  public init(_ medium: ReportMedium) {}

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    var suites: [(name: String, verdicts: [Verdict])] = []
    for verdict in verdicts {
      let name = verdict.file ?? verdict.scenario.name
      if let last = suites.last, last.name == name {
        suites[suites.count - 1].verdicts.append(verdict)
      } else {
        suites.append((name, [verdict]))
      }
    }
    let root = XMLNode("testsuites", counts(verdicts, name: Product.name))
    try write(#"<?xml version="1.0" encoding="UTF-8"?>"# + "\n" + root.opening + ">\n")
    try suites.madeInOrder { suite in
      var node = XMLNode("testsuite", counts(suite.verdicts, name: suite.name))
      node.children = suite.verdicts.map(testCase)
      return node.text(depth: 1) + "\n"
    } use: {
      try write($0)
    }
    try write(root.closing)
  }

  private func counts(_ verdicts: [Verdict], name: String) -> [(String, String)] {
    [
      ("name", name), ("tests", "\(verdicts.count)"),
      ("failures", "\(verdicts.filter { kind(of: $0) == "failure" }.count)"),
      ("errors", "\(verdicts.filter { kind(of: $0) == "error" }.count)"),
      ("skipped", "\(verdicts.filter { kind(of: $0) == "skipped" }.count)"),
      ("time", Number.fixed(verdicts.reduce(0) { $0 + $1.seconds }, 3)),
    ]
  }

  /// Nil where it is as expected, and says something.
  private func kind(of verdict: Verdict) -> String? {
    switch verdict.outcome {
    case .interrupted: "skipped"
    case .invalid: "error"
    case _ where verdict.asExpected: verdict.outcome == .vacuous ? "skipped" : nil
    case .pass, .fail: "failure"
    case .vacuous, .inconclusive, .crashed, .timedOut: "error"
    }
  }

  private func testCase(_ verdict: Verdict) -> XMLNode {
    var node = XMLNode(
      "testcase",
      [
        ("name", verdict.title), ("classname", verdict.file ?? verdict.scenario.site),
        ("time", Number.fixed(verdict.seconds, 3)),
      ])
    if let file = verdict.file { node.attributes.append(("file", file)) }
    var properties = XMLNode("properties", [])
    properties.children.append(XMLNode("property", [("name", "command"), ("value", verdict.command)]))
    for finding in verdict.findings {
      properties.children.append(
        XMLNode("property", [("name", "finding"), ("value", "\(FindingID(finding, in: verdict))")]))
    }
    node.children.append(properties)
    let text = verdict.lines.joined(separator: "\n")
    switch kind(of: verdict) {
    case "skipped": node.children.append(XMLNode("skipped", [("message", Sentence.outcome(verdict))]))
    case let kind?:
      let message = "\(Sentence.outcome(verdict)); again: \(verdict.command)"
      let type = verdict.findings.first?.checker ?? verdict.outcome.rawValue
      node.children.append(XMLNode(kind, [("message", message), ("type", type)], text: text))
    case nil: node.children.append(XMLNode("system-out", [], text: text))
    }
    return node
  }
}
