/// The result of ``JobStore/exchange(_:for:)``.
public struct Exchange: Sendable {
    public var answers: [Settlement.Answer]
    public var jobs: [LeasedJob]
    /// Whether more jobs were ready but exceeded the request's ``ClaimRequest/budget``.
    public var isCut: Bool
    /// The first suspect within the request's limit, if it was not claimed: it was skipped, or it comes after other
    /// jobs and must not be claimed with them.
    public var passedOver: JobID?

    public init(
        answers: [Settlement.Answer] = [], jobs: [LeasedJob] = [], isCut: Bool = false, passedOver: JobID? = nil
    ) {
        self.answers = answers
        self.jobs = jobs
        self.isCut = isCut
        self.passedOver = passedOver
    }
}
