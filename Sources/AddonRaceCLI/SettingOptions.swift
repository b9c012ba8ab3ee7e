import AddonRace
import ArgumentParser

/// The settings of a section as options of a command: made from the table, as the keys of scenario files are.
struct SettingOptions<Section: SettingSection>: ParsableArguments {
  /// By key, as they were given.
  private(set) var texts: [String: String] = [:]

  init() {}

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: SettingKey.self)
    for setting in Setting.all(of: Section.section) {
      let key = SettingKey(setting.key)
      if case .flag = setting.kind {
        texts[setting.key] = try container.decode(Flag<Bool?>.self, forKey: key).wrappedValue.map { "\($0)" }
      } else {
        texts[setting.key] = try container.decode(Option<String?>.self, forKey: key).wrappedValue
      }
    }
  }

  /// What they say of the settings of a section, which need not be their own: those of a race that an exploration has too.
  func values(for section: Setting.Section) throws -> [(Setting, SettingValue)] {
    for key in texts.keys.sorted() where Setting.named(key, in: section) == nil {
      throw ValidationError("--\(key) is no setting of `addonrace \(section.rawValue)`; leave it out.")
    }
    return try Setting.all(of: section).compactMap { setting in
      guard let text = texts[setting.key] else { return nil }
      do throws(SettingError) {
        return (setting, try setting.parse(text))
      } catch {
        throw ValidationError("--\(error).")
      }
    }
  }
}

protocol SettingSection: Sendable {
  static var section: Setting.Section { get }
}
enum StressSection: SettingSection { static let section = Setting.Section.stress }
enum ExploreSection: SettingSection { static let section = Setting.Section.explore }
enum BenchSection: SettingSection { static let section = Setting.Section.bench }

private struct SettingKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(_ key: String) { stringValue = key }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

/// The argument parser finds options by reflection.
extension SettingOptions: CustomReflectable {
  var customMirror: Mirror {
    Mirror(
      self,
      children: Setting.all(of: Section.section).map { setting -> (label: String?, value: Any) in
        let help = ArgumentHelp("\(setting.meaning)\(setting.choicesText)", valueName: setting.valueName)
        if case .flag = setting.kind {
          return (
            setting.key, Flag<Bool?>(name: .customLong(setting.key), inversion: .prefixedNo, help: help)
          )
        }
        return (
          setting.key,
          Option<String?>(name: .customLong(setting.key), help: help, completion: setting.completion)
        )
      })
  }
}

extension Setting {
  fileprivate var choicesText: String {
    switch kind {
    case .choice: " One of: \(range)."
    case .flag: ""
    case .integer, .number: range.isEmpty ? "" : " \(range)."
    }
  }

  fileprivate var valueName: String {
    switch kind {
    case .choice, .flag: key
    case .integer, .number: unit.isEmpty ? "n" : unit
    }
  }

  fileprivate var completion: CompletionKind? {
    if case .choice(let choices) = kind { .list(choices) } else { nil }
  }
}
