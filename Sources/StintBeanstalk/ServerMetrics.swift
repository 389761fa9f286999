/// What a server counts, for metrics. The totals are those since its start.
public struct ServerMetrics: Sendable {
    /// Connections that are open.
    public var connections = 0
    public var connectionsOpened = 0
    /// Connections that were closed at once, since there were as many as are allowed.
    public var connectionsRefused = 0
    /// Connections that ended while their client had jobs.
    public var connectionsLost = 0
    /// Commands by their names, such as `reserve-with-timeout`.
    public var commands: [(name: String, count: Int)] = []
    /// Clients that wait for a job.
    public var waiting = 0
    /// Jobs that clients have.
    public var reserved = 0
    /// Jobs whose client did not finish them in time.
    public var timeouts = 0
    /// Jobs whose client's connection ended while it had them.
    public var jobsLost = 0
    /// Puts that were refused, by the reply in small letters, such as `job_too_big`.
    public var putsRefused: [(name: String, count: Int)] = []
    /// Calls of the store that have enqueued jobs, and how many jobs those were: several connections share a call.
    public var putBatches = 0
    public var jobsPut = 0
    /// Calls of the store that have settled jobs which clients had, and how many jobs those were.
    public var settlementBatches = 0
    public var jobsSettled = 0
    /// Whether the server accepts no more jobs.
    public var isDraining = false
}

/// Why a put was refused.
enum PutRefusal: String, Sendable, CaseIterable {
    case jobTooBig = "job_too_big"
    case expectedCRLF = "expected_crlf"
    case draining
    case outOfMemory = "out_of_memory"
    case internalError = "internal_error"

    /// `nil`: it is not a reply that refuses a well-formed put.
    init?(_ reply: Reply) {
        switch reply {
        case .jobTooBig: self = .jobTooBig
        case .expectedCRLF: self = .expectedCRLF
        case .draining: self = .draining
        case .outOfMemory: self = .outOfMemory
        case .internalError: self = .internalError
        case .badFormat, .unknownCommand, .inserted, .using, .reserved, .deadlineSoon, .timedOut, .deleted, .released,
            .buried, .touched, .kickedJob, .paused, .notFound, .notIgnored, .watching, .kicked, .found, .ok:
            return nil
        }
    }
}

extension Broker {
    var metrics: ServerMetrics {
        var metrics = ServerMetrics()
        metrics.connections = connections.count
        metrics.connectionsOpened = counts.connections
        metrics.connectionsRefused = counts.connectionsRefused
        metrics.connectionsLost = counts.connectionsLost
        metrics.commands = Verb.allCases.map { ($0.name, counts[$0]) }
        metrics.waiting = line.count
        metrics.reserved = holders.count
        metrics.timeouts = counts.timeouts
        metrics.jobsLost = counts.jobsLost
        metrics.putsRefused = PutRefusal.allCases.map { ($0.rawValue, counts.putsRefused[$0] ?? 0) }
        metrics.putBatches = counts.putBatches
        metrics.jobsPut = counts.jobs
        metrics.settlementBatches = counts.settlementBatches
        metrics.jobsSettled = counts.jobsSettled
        metrics.isDraining = isDraining
        return metrics
    }
}
