package cuba

import cuba.ffi.BackupRequest
import cuba.ffi.BackupSecret
import cuba.ffi.Bucket
import cuba.ffi.ChartRequest
import cuba.ffi.Clock
import cuba.ffi.CubaException
import cuba.ffi.HabitRequest
import cuba.ffi.KeyStore
import cuba.ffi.NotificationRequest
import cuba.ffi.Notifications
import cuba.ffi.Platform
import cuba.ffi.PlatformException
import cuba.ffi.RecordRequest
import cuba.ffi.SampleRecord
import cuba.ffi.newRecoveryKey
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File
import kotlin.experimental.xor

class HealthTest : Scenario() {
    private fun november(metric: String) = ChartRequest(metric, "2026-11-01", "2026-11-30", Bucket.DAY)

    private fun exportFile(): String {
        val records = (0 until 60).joinToString("") { minute ->
            val time = "2026-11-02 08:${minute.toString().padStart(2, '0')}:00 +0000"
            """<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Watch" unit="count/min" """ +
                """startDate="$time" endDate="$time" value="${60 + minute % 10}"/>""" + "\n"
        }
        val file = File(path("export.xml"))
        file.writeText("<?xml version=\"1.0\"?>\n<HealthData locale=\"en_GB\">\n$records</HealthData>\n")
        return file.path
    }

    private suspend fun walks(health: HealthLog) {
        suspend fun walk(source: String, start: Long, end: Long, steps: Double) {
            val sample = SampleRecord(MORNING + start * MINUTE, MORNING + end * MINUTE, steps, 0)
            health.record(RecordRequest("steps", source, source, source, listOf(sample)))
        }
        walk("phone", 5, 15, 800.0)
        walk("watch", 0, 10, 1000.0)
    }

    private suspend fun steps(health: HealthLog) = health.chart(november("steps")).single().sum

    @Test
    fun anImportIsCountedAndCharted() = scenario {
        val health = open().health
        val report = health.importFile(exportFile())
        assertEquals(60UL to 60UL, report.read to report.stored)
        assertEquals(60UL, health.importFile(exportFile()).duplicates)
        val point = health.chart(november("heart_rate")).single()
        assertEquals("2026-11-02", point.day)
        assertEquals(64.5, point.mean, 0.0)
        File(path("photo.jpg")).writeBytes(byteArrayOf(-1, -40, -1, -32))
        assertThrows<CubaException.BadInput> { health.importFile(path("photo.jpg")) }
    }

    @Test
    fun sourcesAreMergedWithReasonsInTheUsersOrder() = scenario {
        val health = open().health
        walks(health)
        assertEquals(1400.0, steps(health), 0.0)
        val reason = health.mergedDay("steps", "2026-11-02").reasons.single()
        assertEquals("watch" to "phone", reason.winner to reason.loser)
        assertEquals(MORNING + 5 * MINUTE to MORNING + 10 * MINUTE, reason.startMs to reason.endMs)
        health.setPriority("steps", listOf("phone"))
        assertEquals(1300.0, steps(health), 0.0)
    }

    @Test
    fun aBackupOpensElsewhereWithItsSecretAlone() = scenario {
        val health = open().health
        walks(health)
        val paper = newRecoveryKey()
        val file = health.backup(BackupRequest(path("cuba.backup"), BackupSecret.RecoveryKey(paper)))
        val phone = open("phone").health
        val wrong = assertThrows<CubaException.KeyWrong> {
            phone.restore(BackupRequest(file, BackupSecret.RecoveryKey(newRecoveryKey())))
        }
        assertEquals(Advice.ASK_SECRET, wrong.advice)
        phone.restore(BackupRequest(file, BackupSecret.RecoveryKey(paper)))
        assertEquals(1400.0, steps(phone), 0.0)
    }

    private open class Chip(val byte: Byte) : KeyStore {
        override fun kind() = "test-chip"

        override fun wrap(secret: ByteArray) = secret.map { it xor byte }.toByteArray() + byte

        override fun unwrap(wrapped: ByteArray): ByteArray {
            if (wrapped.last() != byte) throw PlatformException.Wrong()
            return wrapped.dropLast(1).map { it xor byte }.toByteArray()
        }
    }

    @Test
    fun aWrongKeyOpensNothingAndHarmsNothing() = scenario {
        val mine = open(platform = Platform(keyStore = Chip(0x5a)))
        walks(mine.health)
        assertTrue(mine.health.protection().protection.contains("test-chip"))
        mine.close()
        assertThrows<CubaException.KeyWrong> { open(platform = Platform(keyStore = Chip(0x11))).health.present() }
        assertThrows<CubaException.KeyWrong> { open(passphrase = "guess").health.present() }
        val broken = object : Chip(0x5a) {
            override fun unwrap(wrapped: ByteArray): ByteArray = error("something else")
        }
        assertThrows<CubaException.Locked> { open(platform = Platform(keyStore = broken)).health.present() }
        assertEquals(1400.0, steps(open(platform = Platform(keyStore = Chip(0x5a))).health), 0.0)
    }

    @Test
    fun habitsAreRemindedOfInLocalTime() = scenario {
        val planned = mutableListOf<NotificationRequest>()
        val clock = object : Clock {
            override fun nowMs() = MORNING
            override fun timeZone() = "Europe/Berlin"
        }
        val notifications = object : Notifications {
            override fun schedule(notification: NotificationRequest) { planned += notification }
            override fun cancel(id: String) { planned.removeIf { it.id == id } }
        }
        val health = open(platform = Platform(clock = clock, notifications = notifications)).health
        health.saveHabit(HabitRequest("read", "Read", remindAt = "21:30", question = "Did you read?"))
        assertEquals(1, health.planReminders(24))
        assertEquals(MORNING + 750 * MINUTE, planned.single().atMs)
        health.markHabit("read", "2026-11-02", true)
        assertTrue(health.habits("2026-11-02").single().done)
    }
}
