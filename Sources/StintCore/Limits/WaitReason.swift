/// Why a job that waits is not running now.
public enum WaitReason: Sendable, Hashable {
    /// Its queue is paused.
    case paused
    /// Its time has not come.
    case delayed
    /// As many jobs of its queue run as may.
    case queueFull(running: Int, limit: Int)
    /// As many jobs of its group run as may.
    case groupFull(group: String, running: Int, limit: Int)
    /// A job of its group, in a strict order, waits for its retry.
    case groupWaits(group: String, for: JobID)
    /// The rate of its queue, or of its group, allows the next start in this time.
    case rate(group: String?, nextStart: Duration)
    /// Other jobs go first, or all workers are busy, or no worker is there.
    case turn
}

extension WaitReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .paused: "its queue is paused"
        case .delayed: "its time has not come"
        case .queueFull(let running, let limit): "queue: \(running) of \(limit) running"
        case .groupFull(let group, let running, let limit): "group \(group): \(running) of \(limit) running"
        case .groupWaits(let group, let job): "group \(group): job \(job) waits for its retry"
        case .rate(let group, let next):
            "\(group.map { "rate of group \($0)" } ?? "rate"): \(Self.text(nextStart: next))"
        case .turn: "it waits for its turn and a free worker"
        }
    }

    /// `next start in 140 ms`
    package static func text(nextStart time: Duration) -> String {
        let milliseconds = time.milliseconds
        return "next start in " + (milliseconds < 10_000 ? "\(milliseconds) ms" : "\(milliseconds / 1_000) s")
    }
}
