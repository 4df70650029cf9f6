// swift-tools-version:5.9
import PackageDescription

// An app of its own, as one outside this repository would be: it includes the package by its path. In a folder of its own name: SwiftPM
// knows packages by their folders, and Cuba's is called swift.
let package = Package(
    name: "Examples",
    platforms: [.iOS(.v15), .macOS(.v12)],
    dependencies: [.package(name: "Cuba", path: "../../../bindings/swift")],
    targets: [
        .executableTarget(name: "TranslateExample", dependencies: [.product(name: "Cuba", package: "Cuba")], path: "Sources/Translate"),
        .executableTarget(name: "HealthExample", dependencies: [.product(name: "Cuba", package: "Cuba")], path: "Sources/Health"),
    ]
)
