// swift-tools-version: 6.1
import PackageDescription

// What `addonrace --version` says of the sources, as the scripts know it: `Context.gitInformation` is not asked again before
// this file changes.
let commit = (Context.environment["ADDONRACE_COMMIT"] ?? "").filter(\.isHexDigit)
let isChanged = Context.environment["ADDONRACE_COMMIT"]?.hasSuffix("+") == true
let origin: [CSetting] =
  commit.isEmpty
  ? [] : [.define("ADDONRACE_COMMIT", to: commit)] + (isChanged ? [.define("ADDONRACE_CHANGED")] : [])

// A target imports only targets above it; CONTRIBUTING.md says what each holds. Build with `--explicit-target-dependency-import-check error` to have it enforced.
let package = Package(
  name: "AddonRace",
  products: [
    .library(name: "AddonRace", targets: ["AddonRace"]),
    // For benches of one's own: see Benchmarks/.
    .library(
      name: "AddonRaceBench",
      targets: ["AddonMemory", "Addons", "BenchEngine", "BenchModel", "Machine", "RaceModel", "Reports"]),
    .library(name: "AddonRaceCLI", targets: ["AddonRaceCLI"]),
    .executable(name: "addonrace", targets: ["AddonRaceMain"]),
  ],
  // `addonrace results`, with SQLite: only who asks for it builds it.
  traits: ["Results"],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "CAtomicOps", pkgConfig: "atomic_ops", providers: [.apt(["libatomic-ops-dev"])]),
    .target(name: "CAtomics", dependencies: ["CAtomicOps"]),
    .target(name: "CThreads"),
    .target(name: "CFibers"),
    .target(name: "CCounters"),
    .target(name: "CProduct", cSettings: origin),
    .target(name: "CLayouts"),
    .target(name: "CCandidate", exclude: ["runtime"]),
    .target(name: "CBaseline", dependencies: ["CThreads"]),
    .target(name: "AddonMemory", dependencies: ["CAtomics", "CThreads"]),
    .target(name: "Addons", dependencies: ["AddonMemory"]),
    .target(name: "Machine", dependencies: ["CAtomics", "CThreads"]),
    .target(name: "BenchModel", dependencies: ["CThreads", "Machine"]),
    .target(name: "RaceModel", dependencies: ["AddonMemory", "Addons", "BenchModel", "Machine"]),
    .target(name: "Recording", dependencies: ["AddonMemory", "RaceModel"]),
    .target(name: "Checkers", dependencies: ["AddonMemory", "RaceModel"]),
    .target(name: "ExploreCore", dependencies: ["AddonMemory", "CFibers", "Machine", "RaceModel"]),
    .target(
      name: "ExploreEngine",
      dependencies: ["AddonMemory", "Addons", "CThreads", "ExploreCore", "Machine", "RaceModel", "Recording"]),
    .target(
      name: "RaceLoops",
      dependencies: [
        "AddonMemory", "Addons", "CAtomics", "CFibers", "CThreads", "Machine", "RaceModel", "Recording",
      ]),
    .target(
      name: "StressEngine",
      dependencies: [
        "AddonMemory", "Addons", "CAtomics", "CThreads", "Machine", "RaceLoops", "RaceModel", "Recording",
      ]),
    .target(
      name: "BenchEngine",
      dependencies: [
        "AddonMemory", "Addons", "BenchModel", "CAtomics", "CBaseline", "CCounters", "CLayouts", "CThreads", "Machine",
        "RaceModel",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),
    .target(
      name: "Subjects",
      dependencies: ["AddonMemory", "Addons", "BenchEngine", "ExploreEngine", "RaceLoops", "RaceModel"]),
    .target(
      name: "Candidates",
      dependencies: [
        "AddonMemory", "Addons", "BenchEngine", "BenchModel", "CAtomics", "CCandidate", "CFibers", "CThreads",
        "ExploreCore",
        "ExploreEngine", "Machine", "RaceLoops", "RaceModel", "Recording", "StressEngine",
      ]),
    .target(
      name: "ScenarioFiles",
      dependencies: ["AddonMemory", "Addons", "BenchModel", "RaceModel", .product(name: "Yams", package: "Yams")]),
    .target(
      name: "Reports",
      dependencies: [
        "AddonMemory", "BenchModel", "CProduct", "Machine", "RaceModel",
        .product(name: "Mustache", package: "swift-mustache"),
      ]),
    .target(
      name: "AddonRace",
      dependencies: [
        "AddonMemory", "Addons", "BenchEngine", "BenchModel", "CAtomics", "CThreads", "Candidates", "Checkers",
        "ExploreCore",
        "ExploreEngine", "Machine", "RaceModel", "Reports", "ScenarioFiles", "StressEngine", "Subjects",
      ]),
    .target(
      name: "Results",
      dependencies: [
        "AddonRace", .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["Results"])),
      ]),
    .target(
      name: "AddonRaceCLI",
      dependencies: [
        "AddonMemory", "AddonRace", "CThreads", .target(name: "Results", condition: .when(traits: ["Results"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
      ]),
    .executableTarget(name: "AddonRaceMain", dependencies: ["AddonRaceCLI"]),
    .testTarget(name: "AddonMemoryTests", dependencies: ["AddonMemory"]),
    .testTarget(name: "CheckersTests", dependencies: ["AddonMemory", "Checkers", "RaceModel"]),
    .testTarget(
      name: "ScenarioFilesTests", dependencies: ["AddonMemory", "Addons", "BenchModel", "RaceModel", "ScenarioFiles"]),
    .testTarget(name: "ExploreCoreTests", dependencies: ["AddonMemory", "ExploreCore", "Machine", "RaceModel"]),
    .testTarget(
      name: "BenchEngineTests",
      dependencies: [
        "AddonMemory", "AddonRace", "Addons", "BenchEngine", "BenchModel", "CCounters", "Machine", "RaceModel",
        "Reports",
      ]),
    .testTarget(
      name: "StressEngineTests",
      dependencies: [
        "AddonMemory", "AddonRace", "Addons", "Machine", "RaceLoops", "RaceModel", "Recording", "StressEngine",
      ]),
    .testTarget(
      name: "ExploreEngineTests",
      dependencies: ["AddonMemory", "AddonRace", "Addons", "Checkers", "ExploreCore", "ExploreEngine", "RaceModel"]),
    .testTarget(name: "RaceModelTests", dependencies: ["Machine", "RaceModel"]),
    .testTarget(name: "AddonRaceTests", dependencies: ["AddonRace"]),
    .testTarget(name: "CandidatesTests", dependencies: ["AddonRace"]),
    .testTarget(
      name: "ReportsTests",
      dependencies: ["AddonMemory", "AddonRaceTestSupport", "Machine", "RaceModel", "Reports"], exclude: ["Golden"]),
    .testTarget(
      name: "AddonRaceCLITests", dependencies: ["AddonRace", "AddonRaceMain", "AddonRaceTestSupport"],
      exclude: ["Golden"]),
    .target(name: "AddonRaceTestSupport", path: "Tests/AddonRaceTestSupport"),
  ],
  swiftLanguageModes: [.v6]
)
