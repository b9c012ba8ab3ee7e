import AddonRace
import ArgumentParser

/// What a shell offers for names, asked of the command itself: a command with catalogs of its own offers theirs.
enum Completions {
  /// Strategies; of the sites whose scenarios are named already, where there are any.
  static let strategies = CompletionKind.custom { words, _, _ in
    let vocabulary = AddonRaceCommand.harness.vocabulary
    let files = words.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
    let named = ScenarioFinder(vocabulary).find(files).compactMap { found in
      if case .scenario(let scenario, _) = found { scenario.site } else { nil }
    }
    let sites = vocabulary.sites.filter { named.contains($0.name) }
    return sites.isEmpty ? vocabulary.strategies : sites.flatMap(\.strategies)
  }

  static let sitesAndStrategies = CompletionKind.custom { _, _, _ in
    let vocabulary = AddonRaceCommand.harness.vocabulary
    return vocabulary.sites.map(\.name) + vocabulary.strategies
  }
}
