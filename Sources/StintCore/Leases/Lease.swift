/// The right to run one claimed job until a deadline. Every later call about the job must name it. A call with a stale
/// lease changes nothing and fails with `leaseLost`.
///
/// The jobs of one claim and one queue share a token, so one heartbeat extends them all.
public struct Lease: Hashable, Sendable {
    public let job: JobID
    public let token: FencingToken

    public init(job: JobID, token: FencingToken) {
        self.job = job
        self.token = token
    }
}
