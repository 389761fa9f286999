import StintCore

/// A schedule as JSON, with its ticks; the times are milliseconds since 1970 UTC, as everywhere.
struct ScheduleDocument: Encodable {
    private let record: ScheduleRecord
    private let schedule: ExportedSchedule

    private struct Tick: Encodable {
        let at: Timestamp
        let job: JobID
    }

    private enum Keys: String, CodingKey {
        case times, problem, lastTicks, nextTicks, payloadBytes
    }

    init(_ record: ScheduleRecord, _ payload: [UInt8]? = nil) {
        self.record = record
        schedule = ExportedSchedule(record, payload: payload)
    }

    func encode(to encoder: any Encoder) throws {
        try schedule.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(record.times, forKey: .times)
        try container.encodeIfPresent(record.problem, forKey: .problem)
        let next = record.problem == nil ? record.nextTicks(ScheduleRecord.shownTicks).map(\.timestamp) : []
        try container.encode(record.lastTicks.map { Tick(at: $0.timeMilliseconds, job: $0.job) }, forKey: .lastTicks)
        try container.encode(next, forKey: .nextTicks)
        try container.encode(record.payloadBytes, forKey: .payloadBytes)
    }
}
