// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "CubaKit",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "CubaKit", targets: ["CubaKit"])],
    dependencies: [.package(name: "Cuba", path: "../../bindings/swift")],
    targets: [
        .target(name: "CubaKit", dependencies: [.product(name: "Cuba", package: "Cuba")]),
        .testTarget(name: "CubaKitTests", dependencies: ["CubaKit"]),
    ]
)
