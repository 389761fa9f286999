/// A store in which processes read the payloads of their jobs by themselves when another one has claimed for them: one
/// transaction, and one sync of the disk, serve all workers of a supervisor.
package protocol PayloadLoadingStore: SharedStore {
    /// The same as ``JobStore/exchange(_:for:)``, without the payloads.
    ///
    /// - Parameter answer: Called once, when the transaction is durable or has failed, on a thread of the store. It must
    ///   not block.
    func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<ClaimedExchange, any Error>) -> Void)

    /// Reads the payloads of claimed jobs. Blocks, for as long as a short read takes.
    func load(_ claimed: [ClaimedJob], within budget: ByteBudget) throws -> LoadedJobs
}

/// An ``Exchange`` whose payloads are not read yet.
package struct ClaimedExchange: Sendable, Hashable {
    package var answers: [Settlement.Answer]
    package var jobs: [ClaimedJob]
    /// See ``Exchange/passedOver``.
    package var passedOver: JobID?

    package init(answers: [Settlement.Answer] = [], jobs: [ClaimedJob] = [], passedOver: JobID? = nil) {
        self.answers = answers
        self.jobs = jobs
        self.passedOver = passedOver
    }
}

/// Claimed jobs with their payloads, and what to settle of those that cannot be had.
package struct LoadedJobs: Sendable {
    package var jobs: [LeasedJob] = []
    /// Of jobs that another program has made unreadable.
    package var refusals: [Settlement] = []
    /// Those that exceed the budget: they are given back.
    package var excess: [Lease] = []

    package init() {}

    /// Settle these at once: otherwise leases are held that the worker does not know of.
    package var settlements: [Settlement] { refusals + excess.map { Settlement($0, .release(after: .zero)) } }
}
