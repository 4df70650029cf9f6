// Imports health data and asks about it: HealthExample HOME [EXPORT]. The database is encrypted.
import Cuba

let cuba = try await CubaClient.open(Config(home: CommandLine.arguments[1]))
if CommandLine.arguments.count > 2 {
    let report = try await cuba.health.importFile(CommandLine.arguments[2]) { print("\($0.done)/\($0.total) bytes") }
    print("\(report.stored) of \(report.read) records stored, \(report.duplicates) were there already")
}
let start: Int64 = 1_793_606_400_000  // 2026-11-02 08:00 UTC
let pulse = (0..<30).map { (minute: Int64) -> SampleRecord in
    let at = start + minute * 60_000
    return SampleRecord(startMs: at, endMs: at, value: Double(60 + minute % 5), offsetMinutes: 60)
}
let request = RecordRequest(metric: "heart_rate", sourceKey: "strap", sourceName: "Strap", sourceKind: "strap", samples: pulse)
print("\(try await cuba.health.record(request)) new samples")
let chart = ChartRequest(metric: "heart_rate", fromDay: "2026-11-01", toDay: "2026-11-30", bucket: .day)
for point in try await cuba.health.chart(chart) {
    print("\(point.day): \(point.mean) (from \(point.min) to \(point.max)) bpm, \(point.count) samples")
}
print(try await cuba.health.protection().protection)
