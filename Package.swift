// swift-tools-version: 6.1
import PackageDescription

// Who may import whom is the order below: C shims, AddonMemory, {Addons, RaceModel}, {checkers, engines, files,
// reports}, AddonRace, the command. Build with `--explicit-target-dependency-import-check error` to have it enforced.
let package = Package(
  name: "AddonRace",
  products: [
    .library(name: "AddonRace", targets: ["AddonRace"]),
    // For benches of one's own: see Benchmarks/.
    .library(name: "AddonRaceBench", targets: ["AddonMemory", "Addons", "BenchEngine", "RaceModel", "Reports"]),
    .executable(name: "addonrace", targets: ["AddonRaceCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    .systemLibrary(name: "CAtomicOps", pkgConfig: "atomic_ops", providers: [.apt(["libatomic-ops-dev"])]),
    .target(name: "CAtomics", dependencies: ["CAtomicOps"]),
    .target(name: "CThreads"),
    .target(name: "CFibers"),
    .target(name: "CCounters"),
    .target(name: "CLayouts"),
    .target(name: "CBaseline", dependencies: ["CThreads"]),
    .target(name: "AddonMemory", dependencies: ["CAtomics", "CThreads"]),
    .target(name: "Addons", dependencies: ["AddonMemory"]),
    .target(name: "RaceModel", dependencies: ["AddonMemory", "CAtomics", "CThreads"]),
    .target(name: "Checkers", dependencies: ["AddonMemory", "RaceModel"]),
    .target(
      name: "StressEngine",
      dependencies: ["AddonMemory", "Addons", "RaceModel", "CAtomics", "CThreads", "CFibers"]),
    .target(
      name: "ExploreEngine",
      dependencies: ["AddonMemory", "Addons", "RaceModel", "CThreads", "CFibers"]),
    .target(
      name: "BenchEngine",
      dependencies: [
        "AddonMemory", "Addons", "RaceModel", "CAtomics", "CBaseline", "CCounters", "CLayouts", "CThreads",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ]),
    .target(
      name: "ScenarioFiles",
      dependencies: ["AddonMemory", "RaceModel", .product(name: "Yams", package: "Yams")]),
    .target(
      name: "Reports",
      dependencies: ["AddonMemory", "RaceModel", .product(name: "Mustache", package: "swift-mustache")]),
    .target(
      name: "AddonRace",
      dependencies: [
        "AddonMemory", "Addons", "RaceModel", "BenchEngine", "Checkers", "StressEngine", "ExploreEngine",
        "ScenarioFiles",
        "Reports",
        "CAtomics",
        "CThreads",
      ]),
    .executableTarget(
      name: "AddonRaceCLI",
      dependencies: [
        "AddonMemory", "AddonRace", "CThreads", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "AddonMemoryTests", dependencies: ["AddonMemory"]),
    .testTarget(name: "CheckersTests", dependencies: ["AddonMemory", "Checkers", "RaceModel"]),
    .testTarget(name: "ScenarioFilesTests", dependencies: ["AddonMemory", "RaceModel", "ScenarioFiles"]),
    .testTarget(
      name: "BenchEngineTests",
      dependencies: ["AddonMemory", "AddonRace", "Addons", "BenchEngine", "CCounters", "RaceModel", "Reports"]),
    .testTarget(
      name: "StressEngineTests", dependencies: ["AddonMemory", "AddonRace", "Addons", "RaceModel", "StressEngine"]),
    .testTarget(
      name: "ExploreEngineTests",
      dependencies: ["AddonMemory", "AddonRace", "Addons", "Checkers", "ExploreEngine", "RaceModel"]),
    .testTarget(
      name: "AddonRaceCLITests", dependencies: ["AddonRace", "AddonRaceCLI", "AddonRaceTestSupport"],
      exclude: ["Golden"]),
    .target(name: "AddonRaceTestSupport", path: "Tests/AddonRaceTestSupport"),
  ],
  swiftLanguageModes: [.v6]
)
