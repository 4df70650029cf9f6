import Cuba
import Foundation
import XCTest

let morning: Int64 = 1_793_606_400_000  // 2026-11-02 08:00 UTC
let minute: Int64 = 60_000
let long = (0..<3000).map { "Good morning, number \($0) is here. " }.joined()

/// A home of its own for each test.
class Scenario: XCTestCase {
    private(set) var folder = URL(fileURLWithPath: "/")

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> String {
        folder.appendingPathComponent(name).path
    }

    func open(_ home: String = "home", passphrase: String? = nil, platform: Platform = Platform()) async throws -> CubaClient {
        try await CubaClient.open(Config(home: path(home), passphrase: passphrase), platform: platform)
    }

    func withModel(platform: Platform = Platform()) async throws -> CubaClient {
        let fixtures = URL(fileURLWithPath: ProcessInfo.processInfo.environment["CUBA_FIXTURES"] ?? "../../models/training/fixtures")
        let model = folder.appendingPathComponent("enes")
        try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
        for name in ["model.enes.intgemm.alphas.bin", "vocab.enes.spm"] {
            try FileManager.default.copyItem(at: fixtures.appendingPathComponent(name), to: model.appendingPathComponent(name))
        }
        let cuba = try await open(platform: platform)
        _ = try await cuba.packs.add(AddPackRequest(path: model.path, direction: Direction(from: "en", to: "es")))
        return cuba
    }

    func english(_ text: String) -> TranslateRequest {
        TranslateRequest(text: text, to: "es", from: "en")
    }

    func refused(_ call: () async throws -> Void, file: StaticString = #filePath, line: UInt = #line) async throws -> CubaError {
        do {
            try await call()
        } catch let error as CubaError {
            return error
        }
        XCTFail("an error was expected", file: file, line: line)
        throw CancellationError()
    }
}

/// Collects from any thread.
final class Box<T>: @unchecked Sendable {
    private let lock = NSLock()
    private var items: [T] = []

    func add(_ item: T) {
        lock.withLock { items.append(item) }
    }

    var all: [T] {
        lock.withLock { items }
    }
}

final class TranslateTests: Scenario {
    func testTextIsTranslatedAndTheLanguageFound() async throws {
        let translate = try await withModel().translate
        let given = try await translate.text(english("Where is the nearest hospital?"))
        XCTAssertEqual(given.engine, "nmt:en-es")
        XCTAssertTrue(given.complete)
        let found = try await translate.text(TranslateRequest(text: "Where is the nearest hospital?", to: "es"))
        XCTAssertEqual(found.text, given.text)
        let names = try await translate.languages().map(\.ownName)
        XCTAssertEqual(names, ["English", "Español"])
        XCTAssertGreaterThan(translate.memory(), 0)
    }

    func testWhatCannotBeTranslatedSaysWhatAScreenNeeds() async throws {
        let translate = try await withModel().translate
        let missing = try await refused {
            _ = try await translate.text(TranslateRequest(text: "Good morning.", to: "fr", from: "en"))
        }
        guard case .NoPackFor(let from, let to, _) = missing else { return XCTFail("\(missing)") }
        XCTAssertEqual([from, to], ["en", "fr"])
        XCTAssertEqual(missing.advice, .getPack)
        let unclear = try await refused { _ = try await translate.text(TranslateRequest(text: "total", to: "es")) }
        XCTAssertEqual(unclear.advice, .askLanguage)
        let bad = try await refused { _ = try await translate.text(TranslateRequest(text: "Hello.", to: "Spanish!")) }
        XCTAssertEqual(bad.advice, .correct)
    }

    func testABatchKeepsItsLines() async throws {
        let states = Box<ProgressState>()
        let lines = ["Good morning.", "", "Good night.", "Good morning."]
        let done = try await withModel().translate.batch(BatchRequest(lines: lines, to: "es", from: "en")) { states.add($0) }
        XCTAssertEqual(done.lines.count, 4)
        XCTAssertEqual(done.lines[1].text, "")
        XCTAssertEqual(done.lines[0], done.lines[3])
        while states.all.last?.stage != .finished { try await Task.sleep(nanoseconds: 5_000_000) }
        XCTAssertEqual(states.all.last?.total, 4)
    }

    func testAStreamGrowsByWholeSentences() async throws {
        let translate = try await withModel().translate
        var last = TranslationState(stage: .waiting, text: "", from: nil, done: 0, total: 0)
        for try await state in translate.stream(english(String(long.prefix(12_000)))) {
            XCTAssertTrue(state.text.hasPrefix(last.text))
            last = state
        }
        XCTAssertEqual(last.stage, .finished)
        XCTAssertEqual(last.done, last.total)
        let missing = try await refused {
            for try await _ in translate.stream(TranslateRequest(text: "Good morning.", to: "fr", from: "en")) {}
        }
        XCTAssertEqual(missing.advice, .getPack)
    }

    func testLeavingALoopOrCancellingATaskCancels() async throws {
        let translate = try await withModel().translate
        for try await state in translate.stream(english(long)) where state.done > 0 { break }
        let request = english(long)
        let task = Task { try await translate.text(request) }
        try await Task.sleep(nanoseconds: 200_000_000)
        task.cancel()
        do {
            _ = try await task.value
            XCTFail("it was cancelled")
        } catch is CancellationError {}
        // The lane is free again: both long texts were given up.
        let after = try await translate.text(english("Good morning."))
        XCTAssertTrue(after.complete)
    }
}

final class PacksTests: Scenario {
    func testAPackIsAddedVerifiedAndHandedOn() async throws {
        let cuba = try await withModel()
        let listed = try await cuba.packs.list()
        XCTAssertEqual(listed.packs.map(\.id), ["en-es"])
        let sound = try await cuba.packs.verify("en-es")
        XCTAssertEqual(sound.faults, [])
        let gift = try await cuba.packs.export("en-es", to: path("gift.cubapack"))
        let friend = try await open("friend")
        _ = try await friend.packs.add(AddPackRequest(path: gift))
        let done = try await friend.translate.text(english("Good morning."))
        XCTAssertTrue(done.complete)
        let freed = try await cuba.packs.remove("en-es")
        XCTAssertGreaterThan(freed, 0)
        let left = try await cuba.translate.directions()
        XCTAssertEqual(left, [])
    }

    func testACorruptPackIsNamedAndNotUsed() async throws {
        let cuba = try await withModel()
        let blobs = FileManager.default.enumerator(atPath: path("home/blobs"))!.compactMap { $0 as? String }
        let files = blobs.map { self.path("home/blobs/\($0)") }
        let size = { (file: String) in (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0 }
        let plain = files.filter { var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue }
        let largest = plain.max { size($0) < size($1) }!
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: largest)
        var content = try Data(contentsOf: URL(fileURLWithPath: largest))
        content[content.count / 2] ^= 1
        try content.write(to: URL(fileURLWithPath: largest))
        let faults = try await cuba.packs.verify("en-es").faults
        XCTAssertEqual(faults.count, 1)
        XCTAssertTrue(faults[0].contains("vocab.enes"), "\(faults)")
        let error = try await refused { _ = try await cuba.translate.text(self.english("Good morning.")) }
        XCTAssertEqual(error.advice, .replace)
    }

    func testWhatIsNoPackIsRefused() async throws {
        let packs = try await open().packs
        try Data("PK\u{3}\u{4} not much of a zip".utf8).write(to: URL(fileURLWithPath: path("broken.cubapack")))
        let broken = try await refused { _ = try await packs.add(AddPackRequest(path: self.path("broken.cubapack"))) }
        XCTAssertEqual(broken.advice, .replace)
        let unknown = try await refused { _ = try await packs.verify("klingon") }
        XCTAssertEqual(unknown.advice, .correct)
        XCTAssertTrue(packs.offers().contains { $0.terms.mustAccept })
    }
}

final class HealthTests: Scenario {
    private func walks(_ health: HealthLog) async throws {
        for (source, start, end, steps) in [("phone", Int64(5), Int64(15), 800.0), ("watch", 0, 10, 1000.0)] {
            let sample = SampleRecord(startMs: morning + start * minute, endMs: morning + end * minute, value: steps, offsetMinutes: 0)
            try await health.record(
                RecordRequest(metric: "steps", sourceKey: source, sourceName: source, sourceKind: source, samples: [sample]))
        }
    }

    private func chart(_ health: HealthLog, _ metric: String) async throws -> [ChartPointView] {
        try await health.chart(ChartRequest(metric: metric, fromDay: "2026-11-01", toDay: "2026-11-30", bucket: .day))
    }

    func testAnImportIsCountedAndCharted() async throws {
        let health = try await open().health
        let records = (0..<60).map { i -> String in
            let time = String(format: "2026-11-02 08:%02d:00 +0000", i)
            return "<Record type=\"HKQuantityTypeIdentifierHeartRate\" sourceName=\"Watch\" unit=\"count/min\" "
                + "startDate=\"\(time)\" endDate=\"\(time)\" value=\"\(60 + i % 10)\"/>\n"
        }.joined()
        let file = path("export.xml")
        try "<?xml version=\"1.0\"?>\n<HealthData locale=\"en_GB\">\n\(records)</HealthData>\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        let report = try await health.importFile(file)
        XCTAssertEqual([report.read, report.stored], [60, 60])
        let again = try await health.importFile(file)
        XCTAssertEqual(again.duplicates, 60)
        let point = try await chart(health, "heart_rate")[0]
        XCTAssertEqual(point.day, "2026-11-02")
        XCTAssertEqual(point.mean, 64.5)
        try Data([0xff, 0xd8, 0xff, 0xe0]).write(to: URL(fileURLWithPath: path("photo.jpg")))
        let photo = try await refused { _ = try await health.importFile(self.path("photo.jpg")) }
        XCTAssertEqual(photo.advice, .correct)
    }

    func testSourcesAreMergedWithReasonsInTheUsersOrder() async throws {
        let health = try await open().health
        try await walks(health)
        let before = try await chart(health, "steps")[0].sum
        XCTAssertEqual(before, 1400)
        let reason = try await health.mergedDay("steps", day: "2026-11-02").reasons[0]
        XCTAssertEqual([reason.winner, reason.loser], ["watch", "phone"])
        XCTAssertEqual([reason.startMs, reason.endMs], [morning + 5 * minute, morning + 10 * minute])
        try await health.setPriority("steps", sources: ["phone"])
        let after = try await chart(health, "steps")[0].sum
        XCTAssertEqual(after, 1300)
    }

    func testABackupOpensElsewhereWithItsSecretAlone() async throws {
        let health = try await open().health
        try await walks(health)
        let paper = try newRecoveryKey()
        let file = try await health.backup(BackupRequest(file: path("cuba.backup"), secret: .recoveryKey(text: paper)))
        let phone = try await open("phone").health
        let wrong = try await refused {
            try await phone.restore(BackupRequest(file: file, secret: .recoveryKey(text: try newRecoveryKey())))
        }
        XCTAssertEqual(wrong.advice, .askSecret)
        try await phone.restore(BackupRequest(file: file, secret: .recoveryKey(text: paper)))
        let sum = try await chart(phone, "steps")[0].sum
        XCTAssertEqual(sum, 1400)
    }

    func testAWrongKeyOpensNothingAndHarmsNothing() async throws {
        let mine = try await open(platform: Platform(keyStore: Chip(0x5a)))
        try await walks(mine.health)
        let protection = try await mine.health.protection()
        XCTAssertTrue(protection.protection.contains("test-chip"))
        mine.close()
        let other = try await open(platform: Platform(keyStore: Chip(0x11)))
        let wrong = try await refused { _ = try await other.health.present() }
        XCTAssertEqual(wrong.advice, .askSecret)
        let guess = try await open(passphrase: "guess")
        let guessed = try await refused { _ = try await guess.health.present() }
        XCTAssertEqual(guessed.advice, .askSecret)
        let broken = try await open(platform: Platform(keyStore: Chip(0x5a, broken: true)))
        let locked = try await refused { _ = try await broken.health.present() }
        XCTAssertEqual(locked.advice, .tryAgain)
        let again = try await open(platform: Platform(keyStore: Chip(0x5a)))
        let sum = try await chart(again.health, "steps")[0].sum
        XCTAssertEqual(sum, 1400)
    }
}

/// Seals by exclusive or with one byte: enough to tell keys apart.
final class Chip: KeyStore, @unchecked Sendable {
    struct SomethingElse: Error {}
    private let byte: UInt8
    private let broken: Bool

    init(_ byte: UInt8, broken: Bool = false) {
        self.byte = byte
        self.broken = broken
    }

    func kind() throws -> String {
        "test-chip"
    }

    func wrap(secret: Data) throws -> Data {
        Data(secret.map { $0 ^ byte } + [byte])
    }

    func unwrap(wrapped: Data) throws -> Data {
        if broken { throw SomethingElse() }
        guard wrapped.last == byte else { throw PlatformError.Wrong }
        return Data(wrapped.dropLast().map { $0 ^ byte })
    }
}

final class LifecycleTests: Scenario {
    private let batch = BatchRequest(lines: Array(repeating: "Good morning.", count: 200), to: "es", from: "en")

    func testAListenerThatThrowsIsLeftAloneAndTheWorkGoesOn() async throws {
        final class Throws: TranslationListener, @unchecked Sendable {
            let calls = Box<Stage>()
            func onState(state: TranslationState) throws {
                calls.add(state.stage)
                throw CancellationError()
            }
        }
        let cuba = try await withModel()
        cuba.close()
        let inner = try Cuba.open(config: Config(home: path("home")), platform: Platform())
        let throwing = Throws()
        let done = try await inner.translate().translate(request: english("Good morning. Good night."), listener: throwing).result()
        XCTAssertTrue(done.complete)
        try await Task.sleep(nanoseconds: 250_000_000)
        XCTAssertEqual(throwing.calls.all.count, 1)
    }

    func testASlowListenerHoldsUpNothing() async throws {
        let gate = DispatchSemaphore(value: 0)
        let done = try await withModel().translate.batch(batch) { _ in gate.wait() }
        XCTAssertEqual(done.lines.count, 200)
        for _ in 0..<100 { gate.signal() }
    }

    func testOneListenerOfManyTasksIsCalledFromManyThreadsAndLetGo() async throws {
        final class Heard: @unchecked Sendable {
            let ends = Box<Stage>()
            let threads = Box<ObjectIdentifier>()

            func hear(_ state: ProgressState) {
                threads.add(ObjectIdentifier(Thread.current))
                if state.stage == .finished { ends.add(state.stage) }
            }
        }
        func heardByMany() async throws -> () -> Heard? {
            let translate = try await withModel().translate
            let heard = Heard()
            let small = BatchRequest(lines: ["Good morning."], to: "es", from: "en")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask { _ = try await translate.batch(small) { heard.hear($0) } }
                }
                try await group.waitForAll()
            }
            while heard.ends.all.count < 16 { try await Task.sleep(nanoseconds: 5_000_000) }
            XCTAssertGreaterThan(Set(heard.threads.all).count, 1)
            return { [weak heard] in heard }
        }
        let weak = try await heardByMany()
        let end = Date().addingTimeInterval(60)
        while weak() != nil, Date() < end { try await Task.sleep(nanoseconds: 5_000_000) }
        XCTAssertNil(weak())
    }

    func testAfterCloseEverythingSaysSo() async throws {
        let cuba = try await withModel()
        cuba.close()
        let text = try await refused { _ = try await cuba.translate.text(self.english("Hi.")) }
        XCTAssertEqual(text, .Closed)
        let list = try await refused { _ = try await cuba.packs.list() }
        XCTAssertEqual(list, .Closed)
        let present = try await refused { _ = try await cuba.health.present() }
        XCTAssertEqual(present, .Closed)
        cuba.close()
        let again = try await open().packs.list()
        XCTAssertEqual(again.packs.count, 1)
    }
}
