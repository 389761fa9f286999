import Logging
import StintCore

/// What may go wrong again and again, as it is logged.
enum Problem: String, Sendable {
    case notStored = "jobs could not be stored"
    case notPut = "a job cannot be put"
    case notSettled = "jobs could not be settled"
    case notClaimed = "jobs could not be claimed; trying again"
    case notGivenBack = "jobs could not be given back; they are ready again when their leases have run out"
    case notExtended = "the leases could not be extended; trying again"
    case changesNotRead = "changes could not be read; trying again"
    case commandFailed = "a command failed"
    case tooManyConnections = "a connection was closed at once, since there are as many as are allowed"
    case unreadReplies =
        "connections were closed: their clients did not read their replies, and those of all take too much memory"
    case buried = "a job was buried, since its clients were lost with it, or did not finish it in time, once too often"

    fileprivate var level: Logger.Level {
        switch self {
        case .notStored, .notPut, .notSettled, .notClaimed, .notGivenBack, .notExtended, .changesNotRead,
            .commandFailed:
            .error
        case .tooManyConnections, .unreadReplies, .buried: .warning
        }
    }
}

extension Broker {
    /// Logs it at once, and then at most once a minute: a disk that is full fails every command of every client.
    func report(_ problem: Problem, _ metadata: Logger.Metadata) {
        guard let times = notices[problem, default: RepeatedNotice()].happened(at: .now) else { return }
        var metadata = metadata
        if times > 1 { metadata["times"] = "\(times)" }
        logger.log(level: problem.level, "\(problem.rawValue)", metadata: metadata)
    }

    /// For the log: not all of a hundred thousand.
    static func named(_ jobs: some Collection<JobID>) -> Logger.MetadataValue {
        let first = jobs.map(\.rawValue).sorted().prefix(10).map { "\($0)" }.joined(separator: " ")
        return "\(first)\(jobs.count > 10 ? " and \(jobs.count - 10) more" : "")"
    }
}
