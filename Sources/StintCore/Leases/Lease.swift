/// The right to run one claimed job until a deadline. Every later word about the job must name it; when the job was
/// taken back meanwhile, that word changes nothing and is answered with `leaseLost`.
///
/// The jobs of one claim and one queue share a token, so one heartbeat keeps them all.
public struct Lease: Hashable, Sendable {
    public let job: JobID
    public let token: FencingToken

    public init(job: JobID, token: FencingToken) {
        self.job = job
        self.token = token
    }
}
