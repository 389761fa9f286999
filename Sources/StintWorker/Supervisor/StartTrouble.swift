import Logging

/// Workers that end as soon as they start: tried again after growing delays, and said once and loudly, not each time.
struct StartTrouble {
    static let longestDelay: Duration = .seconds(30)
    /// One that lives as long has started.
    static let proof: Duration = .seconds(5)

    private var failures: [Int: Int] = [:]
    private var isTold = false

    /// - Returns: How long to wait before the worker of this number is started again.
    mutating func failed(_ number: Int, _ how: String, _ logger: Logger) -> Duration {
        let count = failures[number, default: 0]
        failures[number] = count + 1
        let delay = min(.milliseconds(100) * (1 << min(count, 12)), Self.longestDelay)
        let metadata: Logger.Metadata = ["worker": "\(number)", "how": "\(how)"]
        if isTold {
            logger.debug("a worker ended at its start again", metadata: metadata)
        } else {
            logger.critical(
                "a worker ended at its start; it is tried again, at last every \(Self.longestDelay.components.seconds) s, without further words",
                metadata: metadata)
        }
        isTold = true
        return delay
    }

    /// Whether a worker of this number has ended at its start and none has proved itself since.
    func isKnown(_ number: Int) -> Bool { failures[number] != nil }

    mutating func succeeded(_ number: Int, _ logger: Logger) {
        guard failures.removeValue(forKey: number) != nil, failures.isEmpty else { return }
        isTold = false
        logger.notice("all workers start again")
    }
}
