import NIOCore
import StintCore

/// What the server knows of one connection. A value without a socket.
struct Session: Sendable {
    /// During the last second of a job's time its holder is not made to wait for another one.
    static let safetyMargin: TimeAmount = .seconds(1)
    /// The most tubes that a connection watches.
    static let mostTubes = 10_000
    /// The most jobs that a connection holds.
    static let mostJobs = 100_000

    /// A job that the client holds.
    struct Reservation: Sendable {
        let lease: Lease
        let tube: QueueName
        /// How long it may run from its reserve or the last touch.
        let timeToRun: TimeAmount
        var deadline: NIODeadline
    }

    private(set) var used = UsedTube.default
    /// In the order in which beanstalkd lists them.
    private(set) var watched: [QueueName] = [.default]
    private(set) var watchedSet: Set<QueueName> = [.default]
    private(set) var reserved: [JobID: Reservation] = [:]
    /// Whether it has put, or reserved, a job.
    var isProducer = false
    var isWorker = false

    /// - Returns: The tube that it does not use any more.
    mutating func use(_ tube: UsedTube) -> UsedTube {
        defer { used = tube }
        return used
    }

    /// - Returns: Whether it did not watch the tube before.
    mutating func watch(_ tube: QueueName) -> Bool {
        guard watchedSet.insert(tube).inserted else { return false }
        watched.append(tube)
        return true
    }

    /// What came of an ignore.
    enum Ignored: Sendable {
        case ignored, wasNotWatched, isTheOnlyOne
    }

    mutating func ignore(_ tube: QueueName) -> Ignored {
        guard let place = watched.firstIndex(of: tube) else { return .wasNotWatched }
        guard watched.count > 1 else { return .isTheOnlyOne }
        watchedSet.remove(tube)
        watched.swapAt(place, watched.count - 1)
        watched.removeLast()
        return .ignored
    }

    // MARK: - Jobs

    mutating func reserve(_ id: JobID, _ reservation: Reservation) { reserved[id] = reservation }

    /// The client has settled the job, or lost it.
    mutating func end(_ id: JobID) -> Reservation? { reserved.removeValue(forKey: id) }

    /// - Returns: Whether it holds the job.
    mutating func touch(_ id: JobID, at now: NIODeadline) -> Bool {
        guard let reservation = reserved[id] else { return false }
        reserved[id]!.deadline = now + reservation.timeToRun
        return true
    }

    /// When the first of its jobs has run out of time.
    var nextDeadline: NIODeadline? { reserved.values.lazy.map(\.deadline).min() }

    func isDeadlineSoon(at now: NIODeadline) -> Bool {
        nextDeadline.map { now >= $0 - Self.safetyMargin } ?? false
    }

    /// Removes the jobs that have run out of time.
    mutating func takeTimedOut(at now: NIODeadline) -> [JobID: Reservation] {
        let late = reserved.filter { $0.value.deadline <= now }
        for id in late.keys { reserved[id] = nil }
        return late
    }

    mutating func takeAll() -> [JobID: Reservation] {
        defer { reserved = [:] }
        return reserved
    }
}
