import StintCore

/// Why a job, or a group, waits, as JSON.
struct WaitReasonDocument: Encodable {
    private let reason: String
    private let text: String
    private var group: String?
    private var running: Int?
    private var limit: Int?
    private var job: JobID?
    private var nextStartMilliseconds: Int64?

    init(_ waiting: WaitReason) {
        text = waiting.description
        switch waiting {
        case .paused: reason = "paused"
        case .delayed: reason = "delayed"
        case .queueFull(let running, let limit): (reason, self.running, self.limit) = ("queueFull", running, limit)
        case .groupFull(let group, let running, let limit):
            (reason, self.group, self.running, self.limit) = ("groupFull", group, running, limit)
        case .groupWaits(let group, let job): (reason, self.group, self.job) = ("groupWaits", group, job)
        case .rate(let group, let next):
            (reason, self.group, nextStartMilliseconds) = ("rate", group, next.milliseconds)
        case .turn: reason = "turn"
        }
    }
}
