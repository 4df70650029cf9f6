import Cuba
import Foundation
import XCTest

private struct AppFault: Error {
    let text: String
}

/// What the app brings, and what happens when it throws. The key store's scenario stands with the database it protects.
final class PlatformTests: Scenario {
    private final class Phone: Device, @unchecked Sendable {
        private let lock = NSLock()
        private var memory: Result<UInt64?, Error> = .success(1)
        private var mode: Result<Power, Error> = .success(.normal)

        func set(memory: Result<UInt64?, Error>, mode: Result<Power, Error>) {
            lock.withLock { (self.memory, self.mode) = (memory, mode) }
        }

        func memoryAvailable() throws -> UInt64? {
            try lock.withLock { memory }.get()
        }

        func power() throws -> Power {
            try lock.withLock { mode }.get()
        }
    }

    func testTheDevicesMemoryAndBatteryAreHeeded() async throws {
        let phone = Phone()
        let translate = try await withModel(platform: Platform(device: phone)).translate
        let full = try await refused { _ = try await translate.text(self.english("Good morning.")) }
        XCTAssertEqual(full.advice, .freeMemory)
        let down = PlatformError.Unavailable(reason: "the service is down")
        phone.set(memory: .failure(AppFault(text: "a fault of the app")), mode: .failure(down))
        let unsaid = try await translate.text(english("Good morning."))
        XCTAssertTrue(unsaid.complete)
        phone.set(memory: .success(nil), mode: .success(.saving))
        let spared = try await translate.text(english("Good morning."))
        XCTAssertEqual(spared.text, unsaid.text)
    }

    private final class Voice: Speech, @unchecked Sendable {
        let said = Box<String>()

        func speak(text: String, language: String) throws {
            if language == "eu" { throw PlatformError.Missing }
            if language == "fr" { throw AppFault(text: text) }
            said.add("\(language): \(text)")
        }

        func stop() throws {
            said.add("silence")
            throw AppFault(text: "it goes on")
        }
    }

    func testTheAppsVoiceSpeaksAndItsErrorsAreTold() async throws {
        let voice = Voice()
        let translate = try await open(platform: Platform(speech: voice)).translate
        try await translate.speak("Buenos días", language: "es")
        let missing = try await refused { try await translate.speak("Egun on", language: "eu") }
        XCTAssertEqual(missing.advice, .correct)
        let fault = try await refused { try await translate.speak("Bonjour", language: "fr") }
        XCTAssertEqual(fault.advice, .report)
        XCTAssertFalse("\(fault)".contains("Bonjour"))
        try await translate.hush()
        XCTAssertEqual(voice.said.all, ["es: Buenos días", "silence"])
        let mute = try await open("mute").translate
        let nobody = try await refused { try await mute.speak("Hola", language: "es") }
        XCTAssertEqual(nobody.advice, .correct)
    }

    private final class Berlin: Clock, Notifications, @unchecked Sendable {
        let planned = Box<NotificationRequest>()

        func nowMs() throws -> Int64 {
            morning
        }

        func timeZone() throws -> String {
            "Europe/Berlin"
        }

        func schedule(notification: NotificationRequest) throws {
            planned.add(notification)
        }

        func cancel(id: String) throws {}
    }

    func testHabitsAreRemindedOfInLocalTime() async throws {
        let berlin = Berlin()
        let health = try await open(platform: Platform(clock: berlin, notifications: berlin)).health
        try await health.saveHabit(HabitRequest(key: "read", name: "Read", remindAt: "21:30", question: "Did you read?"))
        let count = try await health.planReminders(hours: 24)
        XCTAssertEqual(count, 1)
        XCTAssertEqual(berlin.planned.all.map(\.atMs), [morning + 750 * minute])
        try await health.markHabit("read", day: "2026-11-02", done: true)
        let habits = try await health.habits(day: "2026-11-02")
        XCTAssertEqual(habits.map(\.done), [true])
    }

    private final class Down: Clock, Notifications, @unchecked Sendable {
        func nowMs() throws -> Int64 {
            throw AppFault(text: "no clock")
        }

        func timeZone() throws -> String {
            throw PlatformError.Unavailable(reason: "no zone")
        }

        func schedule(notification: NotificationRequest) throws {
            throw PlatformError.Unavailable(reason: "not allowed")
        }

        func cancel(id: String) throws {}
    }

    func testServicesThatAreDownAreToldOrDoneWithout() async throws {
        let down = Down()
        let health = try await open(platform: Platform(clock: down, notifications: down)).health
        try await health.saveHabit(HabitRequest(key: "read", name: "Read", remindAt: "21:30", question: ""))
        let told = try await refused { _ = try await health.planReminders(hours: 24) }
        guard case .Other(let reason) = told else { return XCTFail("\(told)") }
        XCTAssertTrue(reason.contains("not allowed"), reason)
    }
}
