import AddonRace
import BenchModel
import CCounters
import Machine
import RaceModel
import Reports
import Testing

@testable import BenchEngine

private func study(_ change: (inout LayoutOptions) -> Void) throws -> LayoutFigures {
  var scenario = Scenario(name: "layouts", question: "?", site: "inode-addons", strategy: "?", racers: [])
  var options = BenchOptions()
  options.repetitions = 11
  options.warmUp = 0
  var layout = LayoutOptions()
  layout.inodes = [64]
  change(&layout)
  options.layout = layout
  scenario.bench = options
  return try Bench().study(scenario)
}

@Suite(.serialized) struct LayoutTests {
  /// Where nobody is watched the superblock says so; else a hook reaches as far as the layout makes it, and to the
  /// connector's list where the inode is watched.
  @Test func hooksReachWhatTheyAreSaidTo() throws {
    let figures = try study { $0.beside = [.nothing] }
    let expected: [(String, [LayoutRegime: (lines: Double, loads: Double)])] = [
      ("V0", [.superblockWatched: (2, 4), .anotherAddon: (2, 4), .inodeWatched: (3, 6)]),
      ("V2", [.superblockWatched: (2, 4), .anotherAddon: (3, 5), .inodeWatched: (4, 8)]),
      ("V3", [.superblockWatched: (1, 4), .anotherAddon: (1, 4), .inodeWatched: (4, 9)]),
      ("V4", [.superblockWatched: (2, 4), .anotherAddon: (2, 4), .inodeWatched: (3, 7)]),
      ("V5", [.superblockWatched: (2, 6), .anotherAddon: (3, 7), .inodeWatched: (4, 12)]),
      ("V7", [.superblockWatched: (2, 4), .anotherAddon: (3, 5), .inodeWatched: (5, 12)]),
    ]
    for (layout, regimes) in expected {
      for (regime, reach) in regimes {
        let found = try #require(figures.reaches.first { $0.layout == layout && $0.regime == regime })
        #expect(found.loads == reach.loads, "\(layout), \(regime)")
        // The allocator may lay a block of 24 bytes across two lines, or two blocks on one.
        #expect(abs(found.lines - reach.lines) <= (regime == .superblockWatched ? 0 : 1), "\(layout), \(regime)")
      }
    }
    for reach in figures.reaches where reach.regime == .nothingWatched { #expect(reach.lines == 1 && reach.loads == 2) }
    // V6's table is looked at only where the flag says so; then there is an entry.
    let table = figures.reaches.filter { $0.layout == "V6" }
    #expect(table.map(\.regime) == LayoutRegime.allCases && table[1].loads == 4)
    #expect(table[2].loads >= 7 && table[3].loads >= 11)
  }

  @Test func everyPointIsMeasured() throws {
    let figures = try study {
      $0.layouts = ["V2", "V6", "V7"]
      $0.regimes = [.superblockWatched, .inodeWatched]
      $0.inodes = [8, 16]
    }
    // Alone and overlapping, beside the lock and beside the count.
    #expect(figures.hooks.count == 2 * 2 * 4)
    for point in figures.hooks {
      #expect(point.figures.results.map(\.contestant) == ["V2", "V6", "V7", BenchResult.controlName])
      #expect(point.figures.results.allSatisfy { $0.time.median > 0 })
    }
    for result in figures.firstWatch.results where result.measure == .firstAllocation {
      #expect(result.wastedAllocations == 0 && result.wins == [1])
    }
    let text = LayoutReport(figures).parts.text
    #expect(text.contains("compared with V2") && text.contains("V7") && !text.contains("V0 "))
    #expect(text.contains("wasted/slot") && !text.contains("retries/slot"), "nobody counts them")
    #expect(BenchDocument(machine: .here, layouts: [figures]).everything.count == 17)
  }

  /// What another processor writes is in the inodes that hooks visit, wherever a contest would move others.
  @Test func theInodesOfHooksStayPut() {
    let field = LayoutField(inodes: 16, racers: 2)
    var generator = SplitMix(seed: 2024)
    for _ in 0..<8 { field.field.move(using: &generator) }
    let inodes = (0..<16).map { field.field.area.base + UInt($0 * LayoutField.spacing) }
    #expect((0..<16).map { field.order[$0] }.sorted() == inodes)
  }

  /// Locks ask for nothing but the inode.
  @Test func layoutsOfLocksHaveTheirOwnRegimes() throws {
    let figures = try study {
      $0.layouts = ["locks-inline", "locks-flagged"]
      $0.beside = [.count]
    }
    #expect(Set(figures.hooks.map(\.regime)) == [.superblockWatched, .inodeWatched])
    let unlocked = figures.reaches.filter { $0.regime == .superblockWatched }
    #expect(unlocked.map(\.lines) == [2, 1])
    #expect(LayoutReport(figures).parts.text.contains("Memory: all of them take as much."))
  }

  @Test func oneAloneIsNoStudy() {
    #expect(throws: EngineError.self) { try study { $0.layouts = ["V0"] } }
    #expect(throws: EngineError.self, "their hooks differ") { try study { $0.layouts = ["V0", "locks-inline"] } }
    #expect(throws: EngineError.self, "locks have no such regime") {
      try study {
        $0.layouts = ["locks-inline", "locks-flagged"]
        $0.regimes = [.nothingWatched]
      }
    }
  }

  /// Of a kind that every machine counts, unless it lets nobody.
  @Test func countersCount() {
    let counter = ccounters_open(CCOUNTERS_PAGE_FAULTS)
    if counter < 0 { return }
    defer { ccounters_close(counter) }
    let before = ccounters_read(counter)
    let pages = UnsafeMutableRawPointer.allocate(byteCount: 64 << 20, alignment: 4096)
    for page in 0..<1000 { pages.storeBytes(of: 1, toByteOffset: page * 16_384, as: UInt8.self) }
    #expect(ccounters_read(counter) > before)
    pages.deallocate()
  }
}

@Suite struct LayoutBytesTests {
  private let today = LayoutFacts("V0", "", inodeBytes: 624, bytesElsewhere: 8, blocks: [24])

  /// 14 inodes of 560 bytes fit in 8 KiB, and 14 of up to 585; in 16 KiB one more pointer costs one of 29.
  @Test func slabs() {
    #expect(Slab.objects(of: 560, in: 8192) == 14 && Slab.objects(of: 584, in: 8192) == 14)
    #expect(Slab.objects(of: 592, in: 8192) == 13)
    #expect(Slab.objects(of: 560, in: 16_384) == 29 && Slab.objects(of: 568, in: 16_384) == 28)
    #expect(Slab.share(of: 560, in: 8192) == 8192.0 / 14)
    #expect([1, 24, 32, 33, 176, 8192, 8193].map(Slab.rounded) == [8, 32, 32, 64, 192, 8192, 12_288])
  }

  @Test func whatAnInodeTakes() {
    let plain = LayoutBytes(today, today: today, object: 624, slab: nil)
    #expect(plain.each == 632 && plain.watched == 32)
    #expect(plain.average(watched: 0.5) == 648)
    let slab = LayoutBytes(today, today: today, object: 560, slab: 8192)
    #expect(slab.each == 8192.0 / 14 + 8)
  }

  @Test func breakEven() {
    let container = LayoutFacts("V2", "", inodeBytes: 616, blocks: [24, 24])
    let pair = [container, today].map { LayoutBytes($0, today: today, object: 624, slab: nil) }
    // It saves 16 bytes, and pays 32 where watched.
    #expect(pair[0].breakEven(against: pair[1]) == .below(0.5))
    #expect(pair[1].breakEven(against: pair[0]) == .above(0.5))
    #expect(pair[0].breakEven(against: pair[0]) == .same)
    var more = pair[0]
    more.each += 100
    #expect(more.breakEven(against: pair[1]) == .neverLess)
    more.each -= 500
    #expect(more.breakEven(against: pair[1]) == .alwaysLess)
  }
}

@Suite struct PageTests {
  private static let drawn = """
    <?xml version="1.0"?>
    <svg
     viewBox="0 0 1 1"><title>Gnuplot</title><g color="black"><title>gnuplot_plot_1</title><text fill="black"/>\
    <use xlink:href='#gpPt6' transform='translate(1,2)' color='white'/></g></svg>
    """

  @Test func aPageHoldsTablesAndPictures() throws {
    var table = TextTable([.left("name"), .right("ns")])
    table.add(["<b> & co", "1.5"])
    let plot = Plot("a < b", y: "ns", kind: .dots, [Plot.Series("one", [Plot.Point(x: 0, y: 2, low: 1, high: 3)])])
    var explained = plot
    explained.legend = "Names"
    let parts: [ReportPart] = [
      .heading("H & h"), .text("line\nline"), .subheading("Names"), .table(table), .plot(plot), .plot(explained),
    ]
    let html = try BenchPage(title: "T", parts).html { _ in Self.drawn }
    for place in ["part-0", "part-2", "part-4", "part-5"] {
      #expect(html.contains("href=\"#\(place)\"") && html.contains("id=\"\(place)\""), "\(place) is in the contents")
    }
    #expect(html.contains("What the names mean: <a href=\"#part-2\">Names</a>"))
    #expect(html.contains("<h2 id=\"part-0\">H &amp; h</h2>") && html.contains("<td>&lt;b&gt; &amp; co</td>"))
    #expect(html.contains("<td class=\"right\">1.5</td>") && html.contains("line\nline"))
    #expect(html.contains("<svg role=\"img\"") && html.contains("<title>a &lt; b</title>"))
    #expect(html.contains("<text fill=\"currentColor\"/>"), "text takes the page's colour")
    for gone in ["<?xml", "Gnuplot", "gnuplot_plot", "color=\"black\"", "'white'"] {
      #expect(!html.contains(gone), "\(gone)")
    }
  }

  @Test func whatGnuplotReads() {
    let points = [Plot.Point(x: 2, y: 3, low: 2.5, high: 4)]
    let curves = Plot(
      "a \"b\"", x: "racers", y: "ns", kind: .curves(logarithmicX: true), logarithmicY: true,
      [Plot.Series("one", points), Plot.Series("none", [])]
    ).script
    #expect(curves.contains("set title \"a \\\"b\\\"\"") && curves.contains("\n2.0 3.0 2.5 4.0\n"))
    #expect(curves.contains("set xtics (2)") && curves.contains("set logscale x") && !curves.contains("none"))
    let dots = Plot("t", y: "ns", kind: .dots, [Plot.Series("one", points), Plot.Series("two", points)]).script
    #expect(dots.contains("set ytics (\"one\" 0, \"two\" 1)") && dots.contains("\n3.0 1 2.5 4.0\n"))
  }
}
