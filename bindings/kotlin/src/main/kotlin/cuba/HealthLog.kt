package cuba

import cuba.ffi.BackupRequest
import cuba.ffi.ChartPointView
import cuba.ffi.ChartRequest
import cuba.ffi.HabitRequest
import cuba.ffi.HabitView
import cuba.ffi.Health
import cuba.ffi.ImportView
import cuba.ffi.MergedDayView
import cuba.ffi.MetricView
import cuba.ffi.MoodView
import cuba.ffi.NightView
import cuba.ffi.ProtectionView
import cuba.ffi.RecordRequest
import cuba.ffi.SourceView

/** The health log. */
val Cuba.health: HealthLog
    get() = part(HealthLog::class.java) { HealthLog(it.health()) }

/** The health log in its encrypted database. From [Cuba.health]. The first call that needs the database opens it. */
class HealthLog internal constructor(private val inner: Health) : AutoCloseable {
    /** [Cuba.close] does this. */
    override fun close() = inner.close()

    /** What protects the database, and whether a damaged one had to be moved aside. */
    suspend fun protection(): ProtectionView = io { inner.protection() }

    /** Every metric Cuba knows, with its unit. */
    fun metrics(): List<MetricView> = inner.metrics()

    /** The metrics that have samples. */
    suspend fun present(): List<MetricView> = io { inner.present() }

    /** Every device and app that measured something, oldest first. */
    suspend fun sources(): List<SourceView> = io { inner.sources() }

    /** Imports a file, archive or folder of any app that Cuba knows. What was stored before a cancel stays. */
    suspend fun importFile(path: String, onProgress: OnProgress? = null): ImportView =
        awaited({ inner.importFile(path, onProgress?.asListener()) }) { it.result() }

    /** Stores samples that the app measured itself; gives the number that was new. */
    suspend fun record(request: RecordRequest): ULong = io { inner.record(request) }

    /** A chart of a metric, merged over its sources. */
    suspend fun chart(request: ChartRequest): List<ChartPointView> = io { inner.chart(request) }

    /** What counts on a local day (`2026-11-23`) and why the rest does not. */
    suspend fun mergedDay(metric: String, day: String): MergedDayView = io { inner.mergedDay(metric, day) }

    /** The keys of sources from the most to the least preferred. */
    suspend fun priority(metric: String): List<String> = io { inner.priority(metric) }

    /** Sets the order of sources for one metric, or for all (`null`). */
    suspend fun setPriority(metric: String?, sources: List<String>) = io { inner.setPriority(metric, sources) }

    /** Nights whose day of waking up lies between two days. */
    suspend fun nights(from: String, to: String): List<NightView> = io { inner.nights(from, to) }

    /** Enters a mood; one at the same moment is replaced. */
    suspend fun enterMood(mood: MoodView) = io { inner.enterMood(mood) }

    /** Moods that start in `fromMs..toMs`, oldest first. */
    suspend fun moods(fromMs: Long, toMs: Long): List<MoodView> = io { inner.moods(fromMs, toMs) }

    /** Saves a habit; one of the same key is replaced. */
    suspend fun saveHabit(habit: HabitRequest) = io { inner.saveHabit(habit) }

    /** Marks a habit as kept or not on a day. */
    suspend fun markHabit(key: String, day: String, done: Boolean) = io { inner.markHabit(key, day, done) }

    /** Every habit in use, as it stands on a day. */
    suspend fun habits(day: String): List<HabitView> = io { inner.habits(day) }

    /** Plans the notifications that are due in the next hours; gives their number. */
    suspend fun planReminders(hours: Int): Int = io { inner.planReminders(hours.toUInt()).toInt() }

    /** Writes everything in the open format, readable by anyone: not sealed. */
    suspend fun export(file: String, onProgress: OnProgress? = null): String =
        awaited({ inner.export(file, onProgress?.asListener()) }) { it.result() }

    /** Seals everything into one file that opens on another device. */
    suspend fun backup(request: BackupRequest, onProgress: OnProgress? = null): String =
        awaited({ inner.backup(request, onProgress?.asListener()) }) { it.result() }

    /** Replaces the database by a backup; any error leaves it as it was. */
    suspend fun restore(request: BackupRequest, onProgress: OnProgress? = null): String =
        awaited({ inner.restore(request, onProgress?.asListener()) }) { it.result() }
}
