package cuba

import cuba.ffi.Bucket
import cuba.ffi.ChartRequest
import cuba.ffi.Config
import cuba.ffi.RecordRequest
import cuba.ffi.SampleRecord

/** Imports health data and asks about it. The database is encrypted. */
suspend fun healthExample(home: String, export: String? = null) = Cuba.open(Config(home)).use { cuba ->
    if (export != null) {
        val report = cuba.health.importFile(export) { println("${it.done}/${it.total} bytes") }
        println("${report.stored} of ${report.read} records stored, ${report.duplicates} were there already")
    }
    val start = 1_793_606_400_000L // 2026-11-02 08:00 UTC
    val pulse = List(30) { SampleRecord(start + it * 60_000L, start + it * 60_000L, 60.0 + it % 5, 60) }
    println("${cuba.health.record(RecordRequest("heart_rate", "strap", "Strap", "strap", pulse))} new samples")
    for (point in cuba.health.chart(ChartRequest("heart_rate", "2026-11-01", "2026-11-30", Bucket.DAY))) {
        println("${point.day}: ${point.mean.toInt()} (from ${point.min} to ${point.max}) bpm, ${point.count} samples")
    }
    println(cuba.health.protection().protection)
}
