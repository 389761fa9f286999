import StintCore

/// The result of a claim.
struct Claim: Sendable {
    var jobs: [ClaimedJob] = []
    /// The first suspect that was not claimed although the claim could take more.
    var passedOver: JobID?
}
