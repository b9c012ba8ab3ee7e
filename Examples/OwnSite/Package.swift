// swift-tools-version: 6.1
import PackageDescription

// A site of one's own, raced and explored by AddonRace. In a package elsewhere the dependency is a URL instead of a path.
let package = Package(
  name: "OwnSite",
  dependencies: [.package(name: "AddonRace", path: "../..")],
  targets: [
    .target(name: "OwnSite", dependencies: [.product(name: "AddonRace", package: "AddonRace")]),
    .executableTarget(
      name: "own-race", dependencies: ["OwnSite", .product(name: "AddonRaceCLI", package: "AddonRace")]),
    .testTarget(name: "OwnSiteTests", dependencies: ["OwnSite"]),
  ],
  swiftLanguageModes: [.v6]
)
