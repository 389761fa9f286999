/// The answer to ``JobStore/exchange(_:for:)``.
public struct Exchange: Sendable {
    public var answers: [Settlement.Answer]
    public var jobs: [LeasedJob]
    /// More was ready and did not go into the request's ``ClaimRequest/budget``.
    public var isCut: Bool
    /// The first suspect among as many ready jobs as could be taken, where it was not: it was passed over, or comes behind
    /// others and must not be claimed with them.
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
