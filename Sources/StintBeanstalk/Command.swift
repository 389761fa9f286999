import StintCore

/// A well-formed command of a client.
enum Command: Hashable, Sendable {
    case put(NewTubeJob)
    case use(QueueName)
    /// - Parameter timeout: How many seconds to wait for a job; negative: for ever.
    case reserve(timeout: Int32)
    case reserveJob(JobID)
    case delete(JobID)
    case release(JobID, priority: UInt32, delay: UInt32)
    case bury(JobID, priority: UInt32)
    case touch(JobID)
    case watch(QueueName)
    case ignore(QueueName)
    case peek(JobID)
    case peekNext(TubeState)
    case kick(UInt32)
    case kickJob(JobID)
    case statsJob(JobID)
    case statsTube(QueueName)
    case stats
    case listTubes
    case listTubeUsed
    case listTubesWatched
    case pauseTube(QueueName, seconds: UInt32)
    case quit

    /// The states of which the next job can be seen.
    enum TubeState: Hashable, Sendable {
        case ready, delayed, buried
    }
}

/// A job as a client puts it: times are in seconds.
struct NewTubeJob: Hashable, Sendable {
    let priority: UInt32
    let delay: UInt32
    /// At least 1.
    let timeToRun: UInt32
    let body: [UInt8]
}

/// How commands are counted in the statistics, in the order in which those list them.
enum Verb: Int, Sendable, CaseIterable {
    case put, peek, peekReady, peekDelayed, peekBuried, reserve, reserveWithTimeout, delete, release, use, watch
    case ignore, bury, kick, touch, stats, statsJob, statsTube, listTubes, listTubeUsed, listTubesWatched, pauseTube
    /// beanstalkd 1.12 counts these two and does not show them.
    case reserveJob, kickJob

    /// As in the statistics, after `cmd-`; `nil`: it is not shown.
    var statisticsName: String? {
        self == .reserveJob || self == .kickJob ? nil : name
    }

    var name: String {
        switch self {
        case .put: "put"
        case .peek: "peek"
        case .peekReady: "peek-ready"
        case .peekDelayed: "peek-delayed"
        case .peekBuried: "peek-buried"
        case .reserve: "reserve"
        case .reserveWithTimeout: "reserve-with-timeout"
        case .delete: "delete"
        case .release: "release"
        case .use: "use"
        case .watch: "watch"
        case .ignore: "ignore"
        case .bury: "bury"
        case .kick: "kick"
        case .touch: "touch"
        case .stats: "stats"
        case .statsJob: "stats-job"
        case .statsTube: "stats-tube"
        case .listTubes: "list-tubes"
        case .listTubeUsed: "list-tube-used"
        case .listTubesWatched: "list-tubes-watched"
        case .pauseTube: "pause-tube"
        case .reserveJob: "reserve-job"
        case .kickJob: "kick-job"
        }
    }
}

/// What a client has sent: a command, or something that is refused without a look at the queue.
package struct Request: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        case command(Command)
        case refused(Reply)
        /// The line of a put has come, which counts, and its body has not.
        case bodyFollows
        /// The same of one that is refused once its body has come.
        case bodyIsDiscarded
    }

    /// Under what it is counted; `nil`: not at all.
    let verb: Verb?
    let content: Content

    static func refused(_ reply: Reply, _ verb: Verb? = nil) -> Request {
        Request(verb: verb, content: .refused(reply))
    }

    static func command(_ verb: Verb?, _ command: Command) -> Request {
        Request(verb: verb, content: .command(command))
    }
}
