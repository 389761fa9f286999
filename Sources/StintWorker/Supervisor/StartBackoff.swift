import Logging
import StintCore

/// Workers that end as soon as they start, or cannot be started, are started again after growing delays. That is logged
/// at once and then once a minute.
struct StartBackoff {
    /// A worker that lives this long has started.
    static let proof: Duration = .seconds(5)

    private var delays: [Int: BackoffCounter] = [:]
    private var notice = RepeatedNotice()

    /// - Returns: How long to wait before the worker of this number is started again.
    mutating func failed(_ number: Int, _ how: String, _ logger: Logger) -> Duration {
        if let times = notice.happened(at: .now) {
            logger.critical(
                "a worker ended at its start; it is tried again after growing delays",
                metadata: ["worker": "\(number)", "how": "\(how)", "times": "\(times)"])
        }
        return delays[number, default: BackoffCounter(.start)].next()
    }

    /// Whether a worker of this number has ended at its start and none has started since.
    func isKnown(_ number: Int) -> Bool { delays[number] != nil }

    mutating func succeeded(_ number: Int, _ logger: Logger) {
        guard delays.removeValue(forKey: number) != nil, delays.isEmpty else { return }
        notice.reset()
        logger.notice("all workers start again")
    }
}
