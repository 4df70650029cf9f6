import Cuba
import Foundation
import XCTest

@testable import CubaKit

/// Time that passes when the test says so.
final class TestClock: @unchecked Sendable {
    private let lock = NSLock()
    private var now: UInt64 = 0
    private var sleepers: [(id: Int, at: UInt64, wake: CheckedContinuation<Void, any Error>)] = []
    private var next = 0

    var sleeping: Int { lock.withLock { sleepers.count } }

    func sleep(_ milliseconds: UInt64) async throws {
        let id = lock.withLock { () -> Int in
            next += 1
            return next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wake in
                lock.withLock { sleepers.append((id, now + milliseconds, wake)) }
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: Int) {
        let woken = lock.withLock { () -> CheckedContinuation<Void, any Error>? in
            guard let index = sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return sleepers.remove(at: index).wake
        }
        woken?.resume(throwing: CancellationError())
    }

    /// Lets time pass and wakes who waited for it.
    func pass(_ milliseconds: UInt64) {
        let woken = lock.withLock { () -> [CheckedContinuation<Void, any Error>] in
            now += milliseconds
            let due = sleepers.filter { $0.at <= now }
            sleepers.removeAll { $0.at <= now }
            return due.map(\.wake)
        }
        woken.forEach { $0.resume() }
    }
}

/// Writes down what it is asked, and waits where it is told.
final class SlowCore: TranslateCore, @unchecked Sendable {
    private let lock = NSLock()
    private var requests: [TranslateRequest] = []
    private var ended: [String] = []
    var clock: TestClock?
    var takes: UInt64 = 0
    var fails: CubaError?
    var failsToAdd: CubaError?
    var installed = [SlowCore.pack("en-es", "en", "es"), SlowCore.pack("es-en", "es", "en")]

    var asked: [TranslateRequest] { lock.withLock { requests } }
    var cancelled: [String] { lock.withLock { ended } }

    func languages() async throws -> [LanguageView] { [] }
    func directions() async throws -> [Direction] { installed.flatMap(\.directions) }
    func packs() async throws -> PacksView { PacksView(packs: installed, damaged: [], writable: true) }

    func add(_ request: AddPackRequest, onProgress: @escaping OnProgress) async throws -> PackView {
        if let failsToAdd, !request.acceptTerms { throw failsToAdd }
        installed.append(Self.pack("de-fr", "de", "fr"))
        return installed[0]
    }

    func translate(_ request: TranslateRequest, onState: @escaping OnTranslation) async throws -> TranslationView {
        lock.withLock { requests.append(request) }
        do {
            if takes > 0 { try await clock?.sleep(takes) }
        } catch {
            lock.withLock { ended.append(request.text) }
            throw error
        }
        if let fails { throw fails }
        return TranslationView(
            text: "<\(request.text)>", from: request.from ?? "en", to: request.to, via: nil, engine: "nmt", confidence: .high,
            doubts: [], segments: [], complete: true)
    }

    static func pack(_ id: String, _ from: String, _ to: String) -> PackView {
        PackView(
            id: id, version: "1", kind: "nmt", name: id, directions: [Direction(from: from, to: to)], bytes: 10, memory: 30,
            terms: TermsView(title: "t", url: nil, text: nil, mustAccept: false), inUse: true)
    }
}

@MainActor
final class TranslateModelTests: XCTestCase {
    private let clock = TestClock()
    private let core = SlowCore()

    private func model(likely: [String] = []) async throws -> TranslateModel {
        core.clock = clock
        let model = TranslateModel(likely: likely, sleep: clock.sleep) { [core] in core }
        try await until { model.state.packs != .loading }
        return model
    }

    /// Waits for other threads, at most ten seconds.
    private func until(_ condition: () -> Bool) async throws {
        for _ in 0..<2000 {
            if condition() { return }
            try await Task.sleep(nanoseconds: 5_000_000)
        }
        XCTFail("it did not come to that")
        throw CancellationError()
    }

    func testItWaitsForAPauseInTyping() async throws {
        let model = try await model()
        for end in 1...5 {
            model.type(String("Hello".prefix(end)))
            try await until { clock.sleeping == 1 }
            clock.pass(120)
        }
        XCTAssertEqual(core.asked.count, 0)
        XCTAssertTrue(model.state.working)
        clock.pass(180)
        try await until { model.state.result != nil }
        XCTAssertEqual(core.asked.map(\.text), ["Hello"])
        XCTAssertFalse(model.state.working)
    }

    func testAChangeOfTextGivesUpTheTranslationBefore() async throws {
        let model = try await model()
        core.takes = 2000
        model.type("one")
        try await until { clock.sleeping == 1 }
        clock.pass(300)
        try await until { core.asked.count == 1 && clock.sleeping == 1 }
        model.type("one two")
        try await until { core.cancelled == ["one"] }
        try await until { clock.sleeping == 1 }
        clock.pass(300)
        try await until { core.asked.count == 2 && clock.sleeping == 1 }
        clock.pass(2000)
        try await until { model.state.result?.text == "<one two>" }
    }

    func testAChoiceOfLanguageDoesNotWaitAndSwappingTurnsTheTextRound() async throws {
        let model = try await model()
        model.type("one")
        try await until { clock.sleeping == 1 }
        model.chooseTo("en")
        try await until { model.state.result?.to == "en" }
        model.chooseTo("es")
        try await until { model.state.result?.to == "es" }
        model.swap()
        try await until { model.state.result?.text == "<<one>>" }
        XCTAssertEqual(model.state.text, "<one>")
        XCTAssertEqual(model.state.from, "es")
        XCTAssertEqual(model.state.to, "en")
    }

    func testAnEmptyTextAsksNothing() async throws {
        let model = try await model()
        model.type("  \n ")
        XCTAssertFalse(model.state.working)
        XCTAssertEqual(clock.sleeping, 0)
    }

    func testTheSameLanguageOnBothSidesChangesThemRound() async throws {
        let model = try await model()
        model.chooseFrom("en")
        model.chooseTo("en")
        XCTAssertEqual([model.state.from, model.state.to], ["es", "en"])
        model.chooseFrom("en")
        XCTAssertEqual([model.state.from, model.state.to], ["en", "es"])
        model.chooseFrom(nil)
        XCTAssertNil(model.state.from)
    }

    func testTheUsersOwnLanguageDecidesTheStart() async throws {
        let spanish = try await model(likely: ["es"])
        XCTAssertEqual(spanish.state.to, "en")
        let arabic = try await model(likely: ["ar", "en"])
        XCTAssertEqual(arabic.state.to, "es")
    }

    func testEveryErrorIsSomethingTheUserCanActOn() async throws {
        let cases: [(CubaError, Problem)] = [
            (.NoPackFor(from: "en", to: "fr", reason: "r"), .noPack(from: "en", to: "fr")),
            (.LanguageUnclear(candidates: ["en", "es"], reason: "r"), .whichLanguage(["en", "es"])),
            (.Damaged(reason: "r"), .damaged), (.NoMemory(reason: "r"), .noMemory), (.Busy(reason: "r"), .busy),
            (.TooNew(reason: "r"), .updateApp), (.NotWritable(reason: "r"), .notWritable), (.Other(reason: "r"), .failed("r")),
        ]
        for (error, problem) in cases {
            let model = try await model()
            core.fails = error
            model.type("one")
            try await until { clock.sleeping == 1 }
            clock.pass(300)
            try await until { model.state.problem == problem }
            XCTAssertFalse(model.state.working)
            core.fails = nil
            model.retry()
            try await until { model.state.result?.text == "<one>" }
            XCTAssertNil(model.state.problem)
        }
    }

    func testTermsAreShownBeforeAPackIsAdded() async throws {
        let model = try await model()
        core.failsToAdd = .TermsNotAccepted(title: "Terms", url: nil, text: "Be kind.", reason: "r")
        model.addPack("x.gguf")
        try await until { model.state.problem == .terms(path: "x.gguf", title: "Terms", text: "Be kind.", url: nil) }
        model.type("typing does not put them away")
        XCTAssertNotNil(model.state.problem)
        model.addPack("x.gguf", acceptTerms: true)
        try await until { model.state.packs.directions.count == 3 }
        XCTAssertNil(model.state.problem)
    }
}
