import StintCore

/// What a claim came to.
struct Claim: Sendable {
    var jobs: [ClaimedJob] = []
    /// The first suspect that was left where it is, although the claim could take more.
    var passedOver: JobID?
}
