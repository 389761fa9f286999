import StintCore

/// The first row that ``HotSQL/exchange`` returns: what the acks and the claim did. Each row after it is a job.
struct ExchangeHeader: Sendable {
    /// The jobs that were acknowledged; `nil`: all.
    private let acked: Set<Lease>?
    /// Queues with limits of which jobs have ended.
    private let limitedQueues: [Int64]
    let promoted: Int64
    let isPlain: Bool
    let isSpecial: Bool
    let isCut: Bool
    /// How long the look took; `nil`: there was none.
    let microseconds: Int64?
    let workers: Int64
    /// When the jobs were claimed.
    let wall: Timestamp
    /// Of the jobs.
    let token: FencingToken?

    init(_ rows: PostgresRows) throws {
        guard let row = rows.first else {
            throw StintError(.databaseUnusable, "the server has answered an exchange without a row")
        }
        if try row.int(0) > 0 {
            acked = Set(
                zip(try row.ints(1), try row.ints(2)).map { token, job in
                    Lease(job: JobID(rawValue: job), token: FencingToken(rawValue: token))
                })
        } else {
            acked = nil
        }
        limitedQueues = try row.ints(3)
        promoted = try row.int(4)
        isPlain = try row.optionalBool(5) ?? false
        isSpecial = try row.bool(6)
        isCut = try row.bool(7)
        microseconds = try row.bool(8) ? row.int(9) : nil
        workers = try row.optionalInt(10) ?? 1
        wall = try row.int(11)
        token = try row.optionalInt(12).map { FencingToken(rawValue: $0) }
    }

    /// Notes in `change` what the acks did.
    ///
    /// - Returns: An answer for each settlement, in their order.
    func answers(_ acks: AckBatch, noting change: inout StoreChange) -> [Settlement.Answer] {
        change.wakes.formUnion(limitedQueues)
        let answers = acks.answers(acked: acked)
        if answers.contains(.settled(.done)) { change.isAny = true }
        return answers
    }
}
