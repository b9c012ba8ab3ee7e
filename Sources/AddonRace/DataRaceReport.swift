import Checkers
import Foundation
import RaceModel

/// Reads what ThreadSanitizer wrote.
public enum DataRaceReport {
  /// One finding a report: the kind of race, and the first frame of either access.
  public static func findings(in text: String) -> [Finding] {
    text.components(separatedBy: "==================").compactMap { report in
      let lines = report.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      guard let title = lines.first(where: { $0.hasPrefix("WARNING: ThreadSanitizer:") }) else { return nil }
      let kind = title.dropFirst("WARNING: ThreadSanitizer: ".count).prefix { $0 != "(" }
        .trimmingCharacters(in: .whitespaces)
      var finding = Finding(checker: DataRace.checkerName, message: kind)
      var accesses: [String] = []
      for (index, line) in lines.enumerated() {
        let isAccess = ["Write of", "Read of", "Atomic write of", "Atomic read of", "Previous"]
          .contains { line.hasPrefix($0) }
        guard isAccess else { continue }
        let what = line.prefix { $0 != "(" }.components(separatedBy: " at 0x")[0]
        let frame = lines.dropFirst(index + 1).prefix(12).first { $0.hasPrefix("#") && $0.contains(".swift:") }
        accesses.append("\(what)\(frame.map { ": \(place(in: $0))" } ?? "")")
      }
      finding.history = accesses
      if !accesses.isEmpty { finding.message += ": " + accesses.joined(separator: "; ") }
      return finding
    }
  }

  /// `#0 function file:line:column (module)`, without the folders.
  private static func place(in frame: String) -> String {
    let words = frame.split(separator: " ")
    guard let place = words.first(where: { $0.contains(".swift:") }) else { return frame }
    return String(place.split(separator: "/").last ?? place)
  }
}
