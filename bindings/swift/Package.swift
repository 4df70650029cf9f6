// swift-tools-version:5.9
import Foundation
import PackageDescription

// Where libcuba_ffi lies while developing; scripts/swift-linux passes it. Apps use the XCFramework of scripts/build-ios.
let library = ProcessInfo.processInfo.environment["CUBA_LIBRARY_FOLDER"] ?? "../../target/debug"
let link: [LinkerSetting] = [.unsafeFlags(["-L\(library)"])]

let package = Package(
    name: "Cuba",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Cuba", targets: ["Cuba"])],
    targets: [
        .systemLibrary(name: "CubaFFIC"),
        .target(name: "CubaFFI", dependencies: ["CubaFFIC"], linkerSettings: link),
        .target(name: "Cuba", dependencies: ["CubaFFI"]),
        .testTarget(name: "CubaTests", dependencies: ["Cuba"]),
    ]
)
