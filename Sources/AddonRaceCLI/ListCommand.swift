import AddonRace
import ArgumentParser

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists what there is: sites, strategies, faults, checkers, shapes, orderings, layouts.")

  enum Topic: String, CaseIterable, ExpressibleByArgument {
    case sites, strategies, faults, checkers, shapes, orderings, layouts
  }

  @Argument(help: "What to list; everything if none is named.")
  var topics: [Topic] = []

  private var registry: Registry { AddonRaceCommand.harness.registry }

  func run() {
    for (number, topic) in (topics.isEmpty ? Topic.allCases : topics).enumerated() {
      if number > 0 { print() }
      print("\(topic.rawValue.uppercased())")
      switch topic {
      case .sites: listSites()
      case .strategies: listStrategies()
      case .faults: listFaults()
      case .checkers: listCheckers()
      case .shapes: listShapes()
      case .orderings: listOrderings()
      case .layouts: listLayouts()
      }
    }
  }

  /// On a terminal, in lines that fit.
  private func show(_ line: String) {
    print(Terminal.outputWidth.map { line.folded(to: $0) } ?? line)
  }

  private func listSites() {
    for facts in registry.sites where facts.description.fault == nil {
      let site = facts.description
      show("  \(facts.name): \(site.summary)")
      show("      from \(site.source)")
      for role in facts.roles { show("      role \(role.name): \(role.sentence)") }
      let right = facts.subjects.filter { $0.fault == nil }.map(\.strategy.name)
      show("      strategies: \(right.joined(separator: ", "))")
    }
  }

  private func listStrategies() {
    for strategy in registry.strategies where strategy.fault == nil {
      show("  \(strategy.name): \(strategy.summary)")
      let models = MemoryModel.allCases.filter { strategy.rightIn.contains($0) }.map(\.rawValue)
      show("      from \(strategy.source); right in: \(models.joined(separator: ", "))")
    }
  }

  private func listFaults() {
    for entry in registry.subjects.map(\.facts) {
      guard let fault = entry.fault else { continue }
      let what = entry.strategy.fault.map { _ in entry.strategy.summary } ?? "\(entry.site.summary)"
      show("  \(entry.site.name) with \(entry.strategy.name): \(fault.defect)")
      show("      \(what) Happened as: \(fault.happenedAs).")
      show("      caught by: \(fault.caughtBy)")
    }
  }

  private func listCheckers() {
    for checker in AddonRaceCommand.harness.checkers { show("  \(checker.name): \(checker.summary)") }
  }

  private func listShapes() {
    for shape in RaceShape.allCases { show("  \(shape.rawValue): \(shape.sentence)") }
  }

  private func listOrderings() {
    for row in OrderingTable.rows {
      show("  \(row.ordering)")
      show("      sc: \(row.sc)")
      show("      tso: \(row.tso)")
      show("      c11: \(row.c11)")
      show("      kernel: \(row.kernel)")
      show("      hardware: \(row.hardware)")
    }
  }

  private func listLayouts() {
    for layout in Bench.layouts {
      show("  \(layout.name): \(layout.summary)")
      let blocks = layout.blocks.map(String.init).joined(separator: " + ")
      show("      \(layout.inodeBytes) bytes of the inode; what the first watch allocates: \(blocks) bytes")
    }
  }
}
