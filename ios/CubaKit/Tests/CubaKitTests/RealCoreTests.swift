import Cuba
import Foundation
import XCTest

@testable import CubaKit

/// The model with the real core and the packs of `models/starter`.
@MainActor
final class RealCoreTests: XCTestCase {
    private var home = URL(fileURLWithPath: "/")
    private let starter = ["en-es", "es-en"].map {
        (ProcessInfo.processInfo.environment["CUBA_STARTER"] ?? "../../models/starter") + "/" + $0
    }

    override func setUp() async throws {
        home = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    }

    override func tearDown() async throws {
        try FileManager.default.removeItem(at: home)
    }

    /// The state where it comes to that, at most a minute later.
    private func first(_ model: TranslateModel, _ condition: @escaping (TranslateState) -> Bool) async throws -> TranslateState {
        let limit = Task {
            try await Task.sleep(nanoseconds: 60_000_000_000)
            XCTFail("it did not come to that: \(String(describing: model.state.problem))")
        }
        defer { limit.cancel() }
        for await state in model.states where condition(state) { return state }
        throw CancellationError()
    }

    func testANewHomeTakesTheStarterPacksAndTranslates() async throws {
        let cuba = try await CubaClient.open(Config(home: home.path))
        let model = TranslateModel(starter: starter, likely: ["en"]) { CubaCore(cuba) }
        _ = try await first(model) { $0.packs.directions.count == 2 }
        XCTAssertEqual(model.state.name("es"), "Español")
        model.type("Where is the nearest hospital?")
        let done = try await first(model) { $0.result?.trust != nil && !$0.working }
        let told = try await cuba.translate.text(TranslateRequest(text: "Where is the nearest hospital?", to: "es", from: "en"))
        XCTAssertEqual(done.result?.text, told.text)
        XCTAssertEqual(done.result?.from, "en")
        XCTAssertEqual(done.result?.trust?.confidence, told.confidence)
        model.chooseTo("fr")
        let none = try await first(model) { $0.problem != nil }
        XCTAssertEqual(none.problem, .noPack(from: "en", to: "fr"))
        cuba.close()
    }

    func testABrokenPackIsRefusedAndNothingIsLost() async throws {
        let cuba = try await CubaClient.open(Config(home: home.path))
        let model = TranslateModel { CubaCore(cuba) }
        _ = try await first(model) { $0.packs != .loading }
        let broken = home.appendingPathComponent("broken.cubapack")
        try Data("PK\u{3}\u{4} not much of a zip".utf8).write(to: broken)
        model.addPack(broken.path)
        _ = try await first(model) { $0.problem == .notAPack }
        model.dismiss()
        XCTAssertNil(model.state.problem)
        cuba.close()
    }
}
