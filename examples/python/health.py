"""Imports health data and asks about it: python health.py HOME [EXPORT]. The database is encrypted."""

import sys

import cuba
from cuba import ffi

with cuba.open(sys.argv[1]) as c:
    if len(sys.argv) > 2:
        report = c.health.import_file(sys.argv[2], on_progress=lambda state: print(f"{state.done}/{state.total} bytes"))
        print(f"{report.stored} of {report.read} records stored, {report.duplicates} were there already")
    start = 1_793_606_400_000  # 2026-11-02 08:00 UTC, milliseconds
    pulse = [ffi.SampleRecord(start_ms=start + i * 60_000, end_ms=start + i * 60_000, value=60 + i % 5, offset_minutes=60) for i in range(30)]
    print(f"{c.health.record('heart_rate', pulse, source='strap', kind='strap')} new samples")
    for point in c.health.chart("heart_rate", "2026-11-01", "2026-11-30"):
        print(f"{point.day}: {point.mean:.0f} (from {point.min:.0f} to {point.max:.0f}) bpm, {point.count} samples")
    print(c.health.protection().protection)
