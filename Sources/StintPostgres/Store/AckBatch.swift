import StintCore

/// The acks of one call, in the form that ``HotSQL/exchange`` takes: jobs by token.
struct AckBatch: Sendable {
    let settlements: [Settlement]
    private var tokens: [Int64] = []
    private var jobsPerToken: [Int32] = []
    private var jobs: [Int64] = []
    /// The settlements whose job another one before them acknowledges too, with the same lease.
    private var repeated: Set<Int> = []

    init(_ settlements: [Settlement]) {
        self.settlements = settlements
        jobs.reserveCapacity(settlements.count)
        let order = settlements.indices.sorted { one, other in
            let (a, b) = (settlements[one].lease, settlements[other].lease)
            return (a.token.rawValue, a.job.rawValue, one) < (b.token.rawValue, b.job.rawValue, other)
        }
        for index in order {
            let lease = settlements[index].lease
            if tokens.last != lease.token.rawValue {
                tokens.append(lease.token.rawValue)
                jobsPerToken.append(0)
            } else if jobs.last == lease.job.rawValue {
                repeated.insert(index)
                continue
            }
            jobsPerToken[jobsPerToken.count - 1] += 1
            jobs.append(lease.job.rawValue)
        }
    }

    var parameters: [PostgresValue] { [.ints(tokens), .int32s(jobsPerToken), .ints(jobs)] }

    /// - Parameter acked: The jobs whose lease was held; `nil`: all.
    /// - Returns: An answer for each settlement, in their order.
    func answers(acked: Set<Lease>?) -> [Settlement.Answer] {
        settlements.indices.map { index in
            // A second ack of a job has no lease any more.
            let isHeld = !repeated.contains(index) && acked?.contains(settlements[index].lease) ?? true
            return isHeld ? .settled(.done) : .leaseLost
        }
    }
}
