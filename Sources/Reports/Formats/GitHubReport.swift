import RaceModel

/// Annotations of GitHub's workflows: an error for each verdict that is not as expected. (It shows ten a step.)
public struct GitHubReport: ReportFormat {
  public static let name = "github"
  public static let extensions: [String] = []
  public init(_ medium: ReportMedium) {}

  public func scenario(_ verdicts: [Verdict]) -> String? {
    let lines = verdicts.filter { !$0.asExpected }.map { verdict in
      let place = verdict.file.map { "file=\(property($0))," } ?? ""
      return "::error \(place)title=\(property(verdict.title))::\(data(verdict.lines.joined(separator: "\n")))"
    }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  public func end(_ verdicts: [Verdict], _ write: (String) throws -> Void) throws {
    try write(
      "::notice title=\(Product.name)::\(verdicts.count) verdicts, \(verdicts.count { !$0.asExpected }) not as expected"
    )
  }

  private func data(_ text: String) -> String {
    text.replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
  }
  private func property(_ text: String) -> String {
    data(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }
}
