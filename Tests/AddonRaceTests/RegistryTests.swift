import AddonRace
import Testing

enum SlotsMiscounted: TinyBehaviour {
  static var slots: [String] { ["one", "two"] }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {}
}

enum NoSlot: TinyBehaviour {
  static var slotCount: Int { 0 }
  static var slots: [String] { [] }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {}
}

/// Has the name of another.
enum Impostor: TinyBehaviour {
  static var name: String { "Plain" }
  static func visit<M: Memory>(_ inode: Inode, in memory: M) {}
}

enum Outdated: Catalog {
  static func visitAll(_ visitor: inout SubjectVisitor) {}
  static var interfaceVersion: Int { 0 }
}

@Suite struct RegistryTests {
  private func complaints(_ catalogs: [any Catalog.Type]) -> [String] {
    do throws(RegistryError) {
      _ = try Registry(catalogs)
      return []
    } catch {
      return error.complaints
    }
  }

  @Test func catalogsAreCombined() throws {
    let registry = try Registry([LinuxCatalog.self, CatalogOf<Plain>.self])
    #expect(registry.subjects.count == Registry.linux.subjects.count + 1)
    #expect(registry.subject(site: "Plain", strategy: "compare-exchange")?.catalog == "CatalogOf<Plain>")
    #expect(registry.site("file-owner")?.strategies.first == "full-compare-exchange", "the site's own comes first")
  }

  @Test func theSamePairTwiceIsOne() throws {
    let registry = try Registry([CatalogOf<Plain>.self, CatalogOf<Plain>.self])
    #expect(registry.subjects.count == 1)
  }

  @Test func twoPairsOfOneName() throws {
    let complaint = try #require(complaints([CatalogOf<Plain>.self, CatalogOf<Impostor>.self]).first)
    #expect(
      complaint.hasPrefix("'Plain with compare-exchange' is two pairs: TinySite<Plain> of catalog CatalogOf<Plain>"))
    #expect(complaint.contains("give one of the sites, or of the strategies, another name"))
  }

  @Test func slotsThatAreNotThere() throws {
    let all = complaints([CatalogOf<SlotsMiscounted>.self, CatalogOf<NoSlot>.self])
    #expect(all.count == 2, "all that is wrong is said at once")
    #expect(all[0].contains("slotCount is 1, and its description names 2 slots"))
    #expect(all[1].contains("slotCount is 0; a site has 1 to 64 slots"))
  }

  @Test func aCatalogOfAnotherVersion() {
    #expect(complaints([Outdated.self])[0].contains("built against version 0"))
    #expect(complaints([Outdated.self])[0].contains("build its package anew"))
  }

  @Test func aScenarioOfASiteThatIsNotThere() {
    let verdict = Harness().run(tinyScenario("Plain"))
    #expect(verdict.outcome == .invalid)
    #expect(verdict.notes == ["there is no site 'Plain'"])
  }
}
