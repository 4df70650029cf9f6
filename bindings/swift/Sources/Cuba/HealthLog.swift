import CubaFFI

/// The health log in its encrypted database. From ``CubaClient/health``. The first call that needs it opens it.
public final class HealthLog: @unchecked Sendable {
    private let inner: CubaFFI.Health
    private let owner: Owner

    init(_ inner: CubaFFI.Health, _ owner: Owner) {
        self.inner = inner
        self.owner = owner
    }

    /// What protects the database, and whether a damaged one had to be moved aside.
    public func protection() async throws -> ProtectionView {
        try await io { [inner] in try inner.protection() }
    }

    /// Every metric Cuba knows, with its unit.
    public func metrics() -> [MetricView] {
        inner.metrics()
    }

    /// The metrics that have samples.
    public func present() async throws -> [MetricView] {
        try await io { [inner] in try inner.present() }
    }

    /// Every device and app that measured something, oldest first.
    public func sources() async throws -> [SourceView] {
        try await io { [inner] in try inner.sources() }
    }

    /// Imports a file, archive or folder of any app that Cuba knows. What was stored before a cancel stays.
    public func importFile(_ path: String, onProgress: OnProgress? = nil) async throws -> ImportView {
        try await awaited(inner.importFile(path: path, listener: listener(onProgress)))
    }

    /// Stores samples that the app measured itself; gives the number that was new.
    @discardableResult
    public func record(_ request: RecordRequest) async throws -> UInt64 {
        try await io { [inner] in try inner.record(request: request) }
    }

    /// A chart of a metric, merged over its sources.
    public func chart(_ request: ChartRequest) async throws -> [ChartPointView] {
        try await io { [inner] in try inner.chart(request: request) }
    }

    /// What counts on a local day (`2026-11-23`) and why the rest does not.
    public func mergedDay(_ metric: String, day: String) async throws -> MergedDayView {
        try await io { [inner] in try inner.mergedDay(metricId: metric, dayText: day) }
    }

    /// The keys of sources from the most to the least preferred.
    public func priority(_ metric: String) async throws -> [String] {
        try await io { [inner] in try inner.priority(metricId: metric) }
    }

    /// Sets the order of sources for one metric, or for all (`nil`).
    public func setPriority(_ metric: String?, sources: [String]) async throws {
        try await io { [inner] in try inner.setPriority(metricId: metric, sourceKeys: sources) }
    }

    /// Nights whose day of waking up lies between two days.
    public func nights(from: String, to: String) async throws -> [NightView] {
        try await io { [inner] in try inner.nights(fromDay: from, toDay: to) }
    }

    /// Enters a mood; one at the same moment is replaced.
    public func enterMood(_ mood: MoodView) async throws {
        try await io { [inner] in try inner.enterMood(mood: mood) }
    }

    /// Moods that start between two moments, oldest first.
    public func moods(fromMs: Int64, toMs: Int64) async throws -> [MoodView] {
        try await io { [inner] in try inner.moods(fromMs: fromMs, toMs: toMs) }
    }

    /// Saves a habit; one of the same key is replaced.
    public func saveHabit(_ habit: HabitRequest) async throws {
        try await io { [inner] in try inner.saveHabit(request: habit) }
    }

    /// Marks a habit as kept or not on a day.
    public func markHabit(_ key: String, day: String, done: Bool) async throws {
        try await io { [inner] in try inner.markHabit(key: key, dayText: day, done: done) }
    }

    /// Every habit in use, as it stands on a day.
    public func habits(day: String) async throws -> [HabitView] {
        try await io { [inner] in try inner.habits(dayText: day) }
    }

    /// Plans the notifications that are due in the next hours; gives their number.
    @discardableResult
    public func planReminders(hours: UInt32) async throws -> UInt32 {
        try await io { [inner] in try inner.planReminders(hours: hours) }
    }

    /// Writes everything in the open format, readable by anyone: not sealed.
    public func export(to file: String, onProgress: OnProgress? = nil) async throws -> String {
        try await awaited(inner.export(file: file, listener: listener(onProgress)))
    }

    /// Seals everything into one file that opens on another device.
    @discardableResult
    public func backup(_ request: BackupRequest, onProgress: OnProgress? = nil) async throws -> String {
        try await awaited(inner.backup(request: request, listener: listener(onProgress)))
    }

    /// Replaces the database by a backup; any error leaves it as it was.
    public func restore(_ request: BackupRequest, onProgress: OnProgress? = nil) async throws {
        _ = try await awaited(inner.restore(request: request, listener: listener(onProgress)))
    }
}
