"""The scenarios of every binding, in Python: translate, packs, health, listeners, lifecycle. Run by scripts/bindings."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import weakref
from pathlib import Path

import cuba
from cuba import Advice, CubaError, advice, ffi

FIXTURES = Path(os.environ["CUBA_FIXTURES"])
MORNING = 1_793_606_400_000  # 2026-11-02 08:00 UTC
MINUTE = 60_000
LONG = "".join(f"Good morning, number {i} is here. " for i in range(3000))


class Scenario(unittest.TestCase):
    """A home of its own for each test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def open(self, home: str = "home", **options: object) -> cuba.Cuba:
        opened = cuba.open(self.dir / home, **options)
        self.addCleanup(opened.close)
        return opened

    def with_model(self, **options: object) -> cuba.Cuba:
        model = self.dir / "enes"
        model.mkdir(exist_ok=True)
        for name in ("model.enes.intgemm.alphas.bin", "vocab.enes.spm"):
            shutil.copy(FIXTURES / name, model / name)
        opened = self.open(**options)
        opened.packs.add(model, ("en", "es"))
        return opened


class Translate(Scenario):
    def test_text_is_translated_and_the_language_found(self) -> None:
        c = self.with_model()
        given = c.translate("Where is the nearest hospital?", to="es", from_="en")
        self.assertEqual((given.from_language, given.engine, given.complete), ("en", "nmt:en-es", True))
        self.assertEqual(c.translate("Where is the nearest hospital?", to="es").text, given.text)
        self.assertEqual([language.own_name for language in c.translate.languages()], ["English", "Español"])
        self.assertEqual(c.translate.detect("¿Dónde está la farmacia?", ["en", "es"]).language, "es")
        self.assertGreater(c.translate.memory(), 0)

    def test_what_cannot_be_translated_says_what_a_program_needs(self) -> None:
        c = self.with_model()
        with self.assertRaises(CubaError.NoPackFor) as missing:
            c.translate("Good morning.", to="fr", from_="en")
        self.assertEqual((missing.exception.from_language, missing.exception.to), ("en", "fr"))
        with self.assertRaises(CubaError.LanguageUnclear):
            c.translate("total", to="es")
        with self.assertRaises(CubaError.BadInput):
            c.translate("Good morning.", to="Spanish!")

    def test_a_batch_keeps_its_lines(self) -> None:
        c = self.with_model()
        states: list[ffi.ProgressState] = []
        lines = c.translate.batch(["Good morning.", "", "Good night.", "Good morning."], to="es", from_="en", on_progress=states.append)
        self.assertEqual((len(lines), lines[1]), (4, ""))
        self.assertEqual(lines[0], lines[3])
        wait_for(lambda: bool(states) and states[-1].stage == ffi.Stage.FINISHED)
        self.assertEqual(states[-1].total, 4)

    def test_a_stream_grows_by_whole_sentences(self) -> None:
        c = self.with_model()
        states = list(c.translate.stream(LONG[:12_000], to="es", from_="en"))
        self.assertEqual(states[0].text, "")
        for before, after in zip(states, states[1:]):
            self.assertTrue(after.text.startswith(before.text))
        self.assertEqual(states[-1].stage, ffi.Stage.FINISHED)
        self.assertEqual(states[-1].done, states[-1].total)
        with self.assertRaises(CubaError.NoPackFor):
            list(c.translate.stream("Good morning.", to="fr", from_="en"))

    def test_cancelling_gives_whole_sentences(self) -> None:
        c = self.with_model()
        for state in c.translate.stream(LONG, to="es", from_="en"):
            if state.done:
                break
        task = ffi_translate(c, LONG)
        time.sleep(0.3)
        task.cancel()
        done = task.wait()
        self.assertFalse(done.complete)
        self.assertLess(len(done.segments), 3000)

    def test_an_event_loop_is_not_held_up_and_its_cancel_is_heard(self) -> None:
        c = self.with_model()

        async def scenario() -> int:
            work = asyncio.ensure_future(c.translate.text_async(LONG, to="es", from_="en"))
            ticks = 0
            while ticks < 20 and not work.done():
                await asyncio.sleep(0.01)
                ticks += 1
            work.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await work
            done = await c.translate.text_async("Good morning.", to="es", from_="en")
            self.assertTrue(done.complete)
            return ticks

        self.assertEqual(asyncio.run(scenario()), 20)


class Packs(Scenario):
    def test_a_pack_is_added_verified_and_handed_on(self) -> None:
        c = self.with_model()
        pack = c.packs.list().packs[0]
        self.assertEqual((pack.id, pack.kind, pack.in_use), ("en-es", "nmt", True))
        self.assertEqual(c.packs.verify("en-es").faults, [])
        gift = c.packs.export("en-es", self.dir / "gift.cubapack")
        friend = self.open("friend")
        self.assertEqual(friend.packs.add(gift).id, "en-es")
        self.assertTrue(friend.translate("Good morning.", to="es", from_="en").complete)
        self.assertGreater(c.packs.remove("en-es"), 0)
        self.assertEqual(c.translate.directions(), [])

    def test_a_corrupt_pack_is_named_and_not_used(self) -> None:
        c = self.with_model()
        blobs = [path for path in (self.dir / "home/blobs").rglob("*") if path.is_file()]
        largest = max(blobs, key=lambda path: path.stat().st_size)
        largest.chmod(0o644)
        content = bytearray(largest.read_bytes())
        content[len(content) // 2] ^= 1
        largest.write_bytes(content)
        faults = c.packs.verify("en-es").faults
        self.assertEqual(len(faults), 1)
        self.assertIn("vocab.enes", faults[0])
        with self.assertRaises(CubaError.Damaged) as refused:
            c.translate("Good morning.", to="es", from_="en")
        self.assertEqual(advice(refused.exception), Advice.REPLACE)

    def test_what_is_no_pack_is_refused(self) -> None:
        c = self.open()
        (self.dir / "broken.cubapack").write_bytes(b"PK\x03\x04 not much of a zip")
        with self.assertRaises(CubaError.Damaged):
            c.packs.add(self.dir / "broken.cubapack")
        with self.assertRaises(CubaError.BadInput):
            c.packs.verify("klingon")
        self.assertTrue(any(offer.terms.must_accept for offer in c.packs.offers()))


class Health(Scenario):
    def export_file(self) -> Path:
        records = "".join(
            '<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Watch" unit="count/min" '
            f'startDate="2026-11-02 08:{minute:02}:00 +0000" endDate="2026-11-02 08:{minute:02}:00 +0000" '
            f'value="{60 + minute % 10}"/>\n'
            for minute in range(60)
        )
        path = self.dir / "export.xml"
        path.write_text(f'<?xml version="1.0"?>\n<HealthData locale="en_GB">\n{records}</HealthData>\n')
        return path

    def walks(self, health: cuba.HealthLog) -> None:
        for source, kind, start, end, steps in (("phone", "phone", 5, 15, 800.0), ("watch", "watch", 0, 10, 1000.0)):
            sample = ffi.SampleRecord(
                start_ms=MORNING + start * MINUTE, end_ms=MORNING + end * MINUTE, value=steps, offset_minutes=0
            )
            health.record("steps", [sample], source=source, kind=kind)

    def steps(self, health: cuba.HealthLog) -> float:
        return health.chart("steps", "2026-11-01", "2026-11-30")[0].sum

    def test_an_import_is_counted_and_charted(self) -> None:
        health = self.open().health
        report = health.import_file(self.export_file())
        self.assertEqual((report.read, report.stored, report.complete), (60, 60, True))
        self.assertEqual(health.import_file(self.export_file()).duplicates, 60)
        point = health.chart("heart_rate", "2026-11-01", "2026-11-30")[0]
        self.assertEqual((point.day, point.count, point.mean), ("2026-11-02", 60, 64.5))
        (self.dir / "photo.jpg").write_bytes(bytes([0xFF, 0xD8, 0xFF, 0xE0]))
        with self.assertRaises(CubaError.BadInput):
            health.import_file(self.dir / "photo.jpg")

    def test_sources_are_merged_with_reasons_in_the_users_order(self) -> None:
        health = self.open().health
        self.walks(health)
        self.assertEqual(self.steps(health), 1400.0)
        reason = health.merged_day("steps", "2026-11-02").reasons[0]
        self.assertEqual((reason.winner, reason.loser), ("watch", "phone"))
        self.assertEqual((reason.start_ms, reason.end_ms), (MORNING + 5 * MINUTE, MORNING + 10 * MINUTE))
        health.set_priority("steps", ["phone"])
        self.assertEqual(self.steps(health), 1300.0)

    def test_a_backup_opens_elsewhere_with_its_secret_alone(self) -> None:
        health = self.open().health
        self.walks(health)
        paper = ffi.new_recovery_key()
        file = health.backup(self.dir / "cuba.backup", recovery_key=paper)
        phone = self.open("phone").health
        with self.assertRaises(CubaError.KeyWrong) as wrong:
            phone.restore(file, recovery_key=ffi.new_recovery_key())
        self.assertEqual(advice(wrong.exception), Advice.ASK_SECRET)
        phone.restore(file, recovery_key=paper)
        self.assertEqual(self.steps(phone), 1400.0)

    def test_a_wrong_key_opens_nothing_and_harms_nothing(self) -> None:
        class Chip(ffi.KeyStore):
            def __init__(self, byte: int) -> None:
                self.byte = byte

            def kind(self) -> str:
                return "test-chip"

            def wrap(self, secret: bytes) -> bytes:
                return bytes(b ^ self.byte for b in secret) + bytes([self.byte])

            def unwrap(self, wrapped: bytes) -> bytes:
                if wrapped[-1] != self.byte:
                    raise ffi.PlatformError.Wrong()
                return bytes(b ^ self.byte for b in wrapped[:-1])

        class Broken(Chip):
            def unwrap(self, wrapped: bytes) -> bytes:
                raise RuntimeError("something else")

        mine = self.open(platform=ffi.Platform(key_store=Chip(0x5A)))
        self.walks(mine.health)
        self.assertIn("test-chip", mine.health.protection().protection)
        mine.close()
        with self.assertRaises(CubaError.KeyWrong):
            self.open(platform=ffi.Platform(key_store=Chip(0x11))).health.present()
        with self.assertRaises(CubaError.KeyWrong):
            self.open(passphrase="guess").health.present()
        with self.assertRaises(CubaError.Locked):
            self.open(platform=ffi.Platform(key_store=Broken(0x5A))).health.present()
        self.assertEqual(self.steps(self.open(platform=ffi.Platform(key_store=Chip(0x5A))).health), 1400.0)


class AppServices(Scenario):
    """What the program brings, and what happens when it raises. The key store's scenario stands with the database it protects."""

    def test_the_devices_memory_and_battery_are_heeded(self) -> None:
        class Phone(ffi.Device):
            memory: object = 1
            mode: object = ffi.Power.NORMAL

            def memory_available(self) -> int | None:
                return say(self.memory)

            def power(self) -> ffi.Power:
                return say(self.mode)

        def say(given: object) -> object:
            if isinstance(given, Exception):
                raise given
            return given

        phone = Phone()
        c = self.with_model(platform=ffi.Platform(device=phone))
        with self.assertRaises(CubaError.NoMemory) as full:
            c.translate("Good morning.", to="es", from_="en")
        self.assertEqual(advice(full.exception), Advice.FREE_MEMORY)
        phone.memory, phone.mode = RuntimeError("a fault of the program"), ffi.PlatformError.Unavailable("the service is down")
        unsaid = c.translate("Good morning.", to="es", from_="en")
        self.assertTrue(unsaid.complete)
        phone.mode = ffi.Power.SAVING
        self.assertEqual(c.translate("Good morning.", to="es", from_="en").text, unsaid.text)

    def test_the_apps_voice_speaks_and_its_errors_are_told(self) -> None:
        said: list[str] = []

        class Voice(ffi.Speech):
            def speak(self, text: str, language: str) -> None:
                if language == "eu":
                    raise ffi.PlatformError.Missing()
                if language == "fr":
                    raise RuntimeError(text)
                said.append(f"{language}: {text}")

            def stop(self) -> None:
                said.append("silence")
                raise RuntimeError("it goes on")

        translate = self.open(platform=ffi.Platform(speech=Voice())).translate
        translate.speak("Buenos días", "es")
        with self.assertRaises(CubaError.BadInput):
            translate.speak("Egun on", "eu")
        with self.assertRaises(CubaError.Other) as fault:
            translate.speak("Bonjour", "fr")
        self.assertNotIn("Bonjour", str(fault.exception))
        translate.hush()
        self.assertEqual(said, ["es: Buenos días", "silence"])
        with self.assertRaises(CubaError.BadInput):
            self.open("mute").translate.speak("Hola", "es")

    def test_habits_are_reminded_of_in_local_time(self) -> None:
        planned: list[ffi.NotificationRequest] = []

        class Berlin(ffi.Clock):
            def now_ms(self) -> int:
                return MORNING

            def time_zone(self) -> str:
                return "Europe/Berlin"

        class Notes(ffi.Notifications):
            def schedule(self, notification: ffi.NotificationRequest) -> None:
                planned.append(notification)

            def cancel(self, id: str) -> None:
                planned[:] = [note for note in planned if note.id != id]

        health = self.open(platform=ffi.Platform(clock=Berlin(), notifications=Notes())).health
        health.save_habit("read", "Read", remind_at="21:30", question="Did you read?")
        self.assertEqual(health.plan_reminders(24), 1)
        self.assertEqual([note.at_ms for note in planned], [MORNING + 750 * MINUTE])
        health.mark_habit("read", "2026-11-02")
        self.assertTrue(health.habits("2026-11-02")[0].done)

    def test_services_that_are_down_are_told_or_done_without(self) -> None:
        class NoClock(ffi.Clock):
            def now_ms(self) -> int:
                raise RuntimeError("no clock")

            def time_zone(self) -> str:
                raise ffi.PlatformError.Unavailable("no zone")

        class NoNotes(ffi.Notifications):
            def schedule(self, notification: ffi.NotificationRequest) -> None:
                raise ffi.PlatformError.Unavailable("not allowed")

            def cancel(self, id: str) -> None: ...

        health = self.open(platform=ffi.Platform(clock=NoClock(), notifications=NoNotes())).health
        health.save_habit("read", "Read", remind_at="21:30")
        with self.assertRaises(CubaError.Other) as told:
            health.plan_reminders(24)
        self.assertIn("not allowed", str(told.exception))


class Listeners(Scenario):
    def test_one_that_throws_is_left_alone_and_the_work_goes_on(self) -> None:
        c = self.with_model()
        calls: list[object] = []

        def throws(state: object) -> None:
            calls.append(state)
            raise ValueError("as user code might")

        lines = c.translate.batch(["Good morning."] * 200, to="es", from_="en", on_progress=throws)
        self.assertEqual(len(lines), 200)
        time.sleep(0.25)
        self.assertEqual(len(calls), 1)

    def test_a_slow_one_holds_up_nothing(self) -> None:
        c = self.with_model()
        gate = threading.Event()
        lines = c.translate.batch(["Good morning."] * 200, to="es", from_="en", on_progress=lambda _: gate.wait(60))
        self.assertEqual(len(lines), 200)
        self.assertFalse(gate.is_set())
        gate.set()

    def test_one_of_many_tasks_is_called_from_many_threads_and_let_go(self) -> None:
        c = self.with_model()

        class Heard(ffi.TranslationListener):
            def __init__(self) -> None:
                self.ends = 0
                self.threads: set[int] = set()
                self.lock = threading.Lock()

            def on_state(self, state: ffi.TranslationState) -> None:
                with self.lock:
                    self.threads.add(threading.get_ident())
                    self.ends += state.stage == ffi.Stage.FINISHED

        heard = Heard()
        tasks = [ffi_translate(c, "Good morning.", heard) for _ in range(16)]
        self.assertTrue(all(task.wait().complete for task in tasks))
        wait_for(lambda: heard.ends == 16)
        self.assertGreater(len(heard.threads), 1)
        weak = weakref.ref(heard)
        del heard, tasks
        wait_for(lambda: gc.collect() >= 0 and weak() is None)

    def test_dropping_the_handle_cancels(self) -> None:
        c = self.with_model()
        ended = threading.Event()

        class Heard(ffi.TranslationListener):
            def on_state(self, state: ffi.TranslationState) -> None:
                if state.stage == ffi.Stage.CANCELLED:
                    ended.set()

        task = ffi_translate(c, LONG, Heard())
        del task
        self.assertTrue(ended.wait(60))


class Lifecycle(Scenario):
    def test_after_close_everything_says_so(self) -> None:
        c = self.with_model()
        c.close()
        for call in (c.translate.languages, c.packs.list, c.health.present, lambda: c.translate("Hi.", to="es")):
            with self.assertRaises(CubaError.Closed):
                call()
        c.close()
        self.assertEqual(len(self.open().packs.list().packs), 1)

    def test_old_bindings_with_a_new_library_fail_cleanly(self) -> None:
        package = Path(cuba.__file__).parent
        copy = self.dir / "old" / "cuba"
        shutil.copytree(package, copy)
        module = copy / "cuba_ffi.py"
        text, changed = re.subn(r"(checksum_method_translate_detect\(\) != )\d+", r"\g<1>1", module.read_text())
        self.assertEqual(changed, 1)
        module.write_text(text)
        run = subprocess.run(
            [sys.executable, "-c", "import cuba"], env={**os.environ, "PYTHONPATH": str(copy.parent)},
            capture_output=True, text=True, cwd=self.dir, check=False,
        )
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("checksum mismatch", run.stderr)

    def test_every_error_has_its_advice(self) -> None:
        from cuba._advice import ADVICE

        named = {kind for kind in vars(CubaError).values() if isinstance(kind, type) and issubclass(kind, CubaError)}
        self.assertEqual(set(ADVICE), named)
        self.assertGreater(len(named), 10)


def ffi_translate(c: cuba.Cuba, text: str, listener: ffi.TranslationListener | None = None) -> ffi.TranslationTask:
    return c.translate._inner.translate(ffi.TranslateRequest(text=text, to="es", from_language="en"), listener)


def wait_for(condition: object) -> None:
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not come to that")
        time.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
