// swift-tools-version: 6.1
import PackageDescription

// What AddonRace's strategies are compared with, raced by its bench. A package of its own, so that users of AddonRace
// build none of it.
let package = Package(
  name: "Peers",
  dependencies: [
    .package(name: "AddonRace", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .target(name: "CPeers"),
    .executableTarget(
      name: "Peers",
      dependencies: [
        "CPeers", .product(name: "AddonRaceBench", package: "AddonRace"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Atomics", package: "swift-atomics"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
