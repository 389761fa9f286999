import StintCore

/// A row after the first one that ``HotSQL/exchange`` returns: a job that was claimed. See ``ExchangeHeader`` for the first.
struct ClaimedRow {
    private let row: PostgresRow

    init(_ row: PostgresRow) {
        self.row = row
    }

    var id: Int64 { get throws { try row.int(13) } }
    var priority: Int64 { get throws { try row.int(14) } }
    var isDigest: Bool { get throws { try row.bool(20) } }

    /// - Parameter events: Of a digest: those after its first.
    /// - Throws: An error if its stored headers cannot be read.
    func job(
        _ lease: Lease, claimedAt wall: Timestamp, of queue: QueueName, _ events: [[UInt8]]
    ) throws -> LeasedJob {
        let payload = try row.bytes(23)
        let expiresAt = try row.optionalInt(16)
        return LeasedJob(
            lease: lease, queue: queue, payload: payload, contentType: try row.text(21),
            headers: try Headers(storedText: try row.optionalText(22)), priority: UInt32(clamping: try priority),
            attempt: Int(clamping: try row.int(15)), maxAttempts: Int(clamping: try row.int(17)),
            timeToRun: try row.optionalInt(18).map { .milliseconds($0) }, enqueuedAt: try row.int(19),
            runsAlone: false, events: try isDigest ? [payload] + events : nil, expiresAt: expiresAt,
            expiresIn: expiresAt.map { .milliseconds($0 - wall) })
    }
}
