import Foundation
import RaceModel
import Testing

@Suite struct SettingTests {
  private func problem(_ key: String, _ section: Setting.Section, _ text: String) throws -> String {
    let setting = try #require(Setting.named(key, in: section))
    do throws(SettingError) {
      return "set to \(try setting.parse(text))"
    } catch {
      return error.description
    }
  }

  @Test func eachIsOneRow() {
    for section in Setting.Section.allCases {
      let keys = Setting.all(of: section).map(\.key)
      #expect(Set(keys).count == keys.count, "\(section)")
    }
  }

  /// What it says is what it reads.
  @Test func defaultsAreReadBack() throws {
    var scenario = Scenario(name: "", question: "", site: "", strategy: "", racers: [])
    let before = scenario
    for setting in Setting.all where setting.section != .bench {
      guard let value = setting.value(in: scenario) else { continue }
      #expect(try setting.parse(value.description) == value, "\(setting.key)")
      setting.apply(value, to: &scenario)
    }
    #expect(scenario == before)
  }

  @Test func whatIsWrongAndWhatToDo() throws {
    #expect(try problem("inodes", .stress, "7") == "inodes is 7, out of range; it may be 8 to 65536")
    #expect(try problem("inodes", .explore, "7") == "set to 7")
    #expect(try problem("inodes", .stress, "many") == "inodes must be a whole number; it may be 8 to 65536")
    #expect(try problem("spacing", .stress, "12") == "spacing is 12, which is no multiple of 8")
    #expect(try problem("shape", .stress, "forsed") == "shape is 'forsed', which is unknown; did you mean 'forced'?")
    #expect(try problem("time", .stress, "0") == "time is 0, out of range; it may be 0.001 to 86400 seconds")
    #expect(try problem("symmetry", .explore, "3") == "symmetry must be true or false")
  }

  /// The documentation has every row of the table, as the table has it. `UPDATE_GOLDEN=1` writes them anew.
  @Test func theDocumentationHasEveryRow() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/AddonRace/AddonRace.docc/ScenarioFiles.md")
    var text = try String(contentsOf: file, encoding: .utf8)
    for section in Setting.Section.allCases {
      let table =
        "| key | default | range | meaning |\n|---|---|---|---|\n"
        + Setting.all(of: section).map { setting in
          "| `\(setting.key)` | \(setting.defaultText) | \(setting.range) | \(setting.meaning) |\n"
        }.joined()
      if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
        let start = "<!-- settings of \(section.rawValue) -->\n"
        guard let from = text.range(of: start),
          let to = text.range(of: "<!-- end -->", range: from.upperBound..<text.endIndex)
        else { continue }
        text.replaceSubrange(from.upperBound..<to.lowerBound, with: table)
      }
      #expect(text.contains(table), "\(section): UPDATE_GOLDEN=1 writes the table anew")
    }
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
  }
}
