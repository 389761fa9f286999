/// One schedule with its payload.
public struct ScheduleDetails: Sendable {
    public let record: ScheduleRecord
    public let payload: [UInt8]

    public init(record: ScheduleRecord, payload: [UInt8]) {
        self.record = record
        self.payload = payload
    }
}
