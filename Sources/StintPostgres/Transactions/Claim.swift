import StintCore

/// What a claim took, before the payloads are read.
struct Claim: Sendable {
    struct Job: Sendable {
        let lease: Lease
        let candidate: Candidate
        /// By the clock of the claim.
        let expiresIn: Duration?
    }

    var jobs: [Job] = []
    /// Whether more jobs were ready but exceeded the request's budget.
    var isCut = false
    var passedOver: JobID?
}
