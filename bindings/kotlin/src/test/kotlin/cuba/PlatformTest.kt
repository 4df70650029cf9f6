package cuba

import cuba.ffi.Clock
import cuba.ffi.CubaException
import cuba.ffi.Device
import cuba.ffi.HabitRequest
import cuba.ffi.NotificationRequest
import cuba.ffi.Notifications
import cuba.ffi.Platform
import cuba.ffi.PlatformException
import cuba.ffi.Power
import cuba.ffi.Speech
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.concurrent.CopyOnWriteArrayList

/** What the app brings, and what happens when it throws. The key store's scenario stands with the database it protects. */
class PlatformTest : Scenario() {
    @Test
    fun theDevicesMemoryAndBatteryAreHeeded() = scenario {
        var memory: () -> ULong? = { 1UL }
        var power: () -> Power = { Power.NORMAL }
        val phone = object : Device {
            override fun memoryAvailable() = memory()
            override fun power() = power()
        }
        val cuba = open(platform = Platform(device = phone))
        cuba.packs.add(model())
        val full = assertThrows<CubaException.NoMemory> { cuba.translate.text(english("Good morning.")) }
        assertEquals(Advice.FREE_MEMORY, full.advice)
        memory = { error("an app's own fault") }
        power = { throw PlatformException.Unavailable("the service is down") }
        val unsaid = cuba.translate.text(english("Good morning."))
        assertTrue("a device that does not say is no reason to refuse", unsaid.complete)
        power = { Power.SAVING }
        assertEquals(unsaid.text, cuba.translate.text(english("Good morning.")).text)
    }

    @Test
    fun theAppsVoiceSpeaksAndItsErrorsAreTold() = scenario {
        val said = CopyOnWriteArrayList<String>()
        val voice = object : Speech {
            override fun speak(text: String, language: String) = when (language) {
                "eu" -> throw PlatformException.Missing()
                "fr" -> error(text)
                else -> said += "$language: $text"
            }

            override fun stop() {
                said += "silence"
                error("it goes on")
            }
        }
        val translate = open(platform = Platform(speech = voice)).translate
        translate.speak("Buenos días", "es")
        assertThrows<CubaException.BadInput> { translate.speak("Egun on", "eu") }
        val fault = assertThrows<CubaException.Other> { translate.speak("Bonjour", "fr") }
        assertFalse("no text of the user in an error", fault.message.contains("Bonjour"))
        translate.hush()
        assertEquals(listOf("es: Buenos días", "silence"), said)
        assertThrows<CubaException.BadInput> { open("mute").translate.speak("Hola", "es") }
    }

    @Test
    fun servicesThatAreDownAreToldOrDoneWithout() = scenario {
        val clock = object : Clock {
            override fun nowMs(): Long = error("no clock")
            override fun timeZone(): String = throw PlatformException.Unavailable("no zone")
        }
        val notifications = object : Notifications {
            override fun schedule(notification: NotificationRequest): Unit = throw PlatformException.Unavailable("not allowed")
            override fun cancel(id: String) = Unit
        }
        val health = open(platform = Platform(clock = clock, notifications = notifications)).health
        health.saveHabit(HabitRequest("read", "Read", remindAt = "21:30"))
        val told = assertThrows<CubaException.Other> { health.planReminders(24) }
        assertTrue(told.message, told.message.contains("not allowed"))
    }
}
