import Dispatch
import Logging
import NIOCore
import StintCore

/// A connection, by a number that is not used again.
struct ConnectionID: Hashable, Sendable {
    let number: Int
}

/// A connection as the broker knows it. Its handler keeps it too, so that most commands need no look-up.
///
/// `@unchecked Sendable`: used on the event loop only.
final class Connection: @unchecked Sendable {
    let id: ConnectionID
    var session = Session()
    fileprivate(set) var isOpen = true
    fileprivate var tick: (at: NIODeadline, task: Scheduled<Void>)?
    fileprivate let answer: @Sendable (Reply) -> Void

    fileprivate init(_ id: ConnectionID, answer: @escaping @Sendable (Reply) -> Void) {
        self.id = id
        self.answer = answer
    }
}

/// What all connections of a server share: their sessions, the tubes, those who wait, and the calls to the store.
///
/// It runs on the server's event loop, so that what needs no store is answered without a switch of threads.
actor Broker {
    enum Answer: Sendable {
        case reply(Reply)
        /// There is none.
        case nothing
        /// The connection gets its reply when there is one.
        case later
        case close
    }

    /// Commands of a kind that is answered in the order in which they were accepted.
    enum Order: Sendable {
        case puts, ends
    }

    /// How long the jobs' leases last without being extended, which is how soon they come back if this server hangs.
    static let lease: Duration = .seconds(60)
    static let lostConnection = "its client's connection was lost while it had the job"
    /// For jobs that were enqueued without a time to run.
    static let standardTimeToRun: TimeAmount = .seconds(120)

    nonisolated let loop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    nonisolated let options: JobServer.Options
    nonisolated let executor: EventLoopExecutor
    /// They run on the event loop, which must not end before them.
    nonisolated let tasks = DispatchGroup()
    nonisolated let answered: AnsweredConnections

    let queue: JobQueue<AnyJobStore>
    var store: AnyJobStore { queue.store }
    /// The store's verbs that most commands need.
    nonisolated let calls: any CallbackStore
    var logger: Logger { options.logger }

    var connections: [ConnectionID: Connection] = [:]
    /// Which connection holds a job.
    var holders: [JobID: ConnectionID] = [:]
    var tubes = Tubes()
    var notes = JobNotes()
    var counts = ServerCounts()
    var line = WaitingLine()
    var puts = Batches<PendingPut>()
    var ends = Batches<PendingEnd>()
    /// The highest id of a job that is known to be on disk.
    var durableUpTo: JobID?
    /// Whether calls begin after this turn of the event loop.
    var callsBeginSoon = false
    /// The groups that are being looked for, and how to look again.
    var looking: [Set<QueueName>: Look] = [:]
    var alarm: (at: NIODeadline, task: Scheduled<Void>)?
    var registration: WorkerID?
    var lastRenewal = NIODeadline.now()
    let startedAt = NIODeadline.now()
    /// As beanstalkd has it, 16 digits that are new at each start.
    let serverID: String = {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }()
    /// The jobs that are being given back. Commands that come later wait for it, and find those jobs ready.
    private(set) var givingBack: Task<Void, Never>?
    private var lastGivenBack = 0
    var notices: [Problem: RepeatedNotice] = [:]
    var isDraining = false
    var isStopping = false

    init(_ queue: JobQueue<AnyJobStore>, on loop: any EventLoop, options: JobServer.Options) {
        self.queue = queue
        calls = queue.store.base as? any CallbackStore ?? TaskCallbackStore(queue.store)
        self.loop = loop
        self.options = options
        executor = EventLoopExecutor(loop)
        answered = AnsweredConnections(on: loop)
    }

    // MARK: - Connections

    /// - Parameter answer: Sends a reply, on the event loop.
    func open(_ answer: @escaping @Sendable (Reply) -> Void) -> Connection {
        counts.connections += 1
        let connection = Connection(ConnectionID(number: counts.connections), answer: answer)
        connections[connection.id] = connection
        tubes.beginUse(.default)
        tubes.beginWatch(.default)
        return connection
    }

    /// There are as many as are allowed.
    func refuseConnection() {
        counts.connectionsRefused += 1
        report(.tooManyConnections, ["connections": "\(connections.count)"])
    }

    /// Gives its jobs back.
    func close(_ id: ConnectionID) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        connection.isOpen = false
        line.remove(id)
        connection.tick?.task.cancel()
        tubes.endUse(connection.session.used.queue)
        for tube in connection.session.watched { tubes.endWatch(tube) }
        let jobs = connection.session.takeAll()
        guard !jobs.isEmpty, !isStopping else { return }
        for job in jobs.keys { holders[job] = nil }
        counts.connectionsLost += 1
        counts.jobsLost += jobs.count
        logger.debug(
            "a connection was lost while it had jobs",
            metadata: ["jobs": Self.named(jobs.keys), "tubes": "\(Set(jobs.values.map(\.tube)).sorted())"])
        startGivingBack(jobs, because: Self.lostConnection)
    }

    /// The client sends nothing any more: it does not wait for a job either.
    func halfClose(_ id: ConnectionID) {
        guard let waiter = line[id], waiter.refusal == nil else { return }
        // The end may have come together with the reserve: a job that is ready is given to it all the same.
        line.remove(id)
        line.append(
            WaitingLine.Waiter(connection: id, tubes: waiter.tubes, timeout: waiter.timeout, refusal: .timedOut))
        look(for: waiter.tubes, .claim)
    }

    func send(_ reply: Reply, to id: ConnectionID) { connections[id]?.answer(reply) }

    func send(_ reply: Reply, to connection: Connection) {
        if connection.isOpen { connection.answer(reply) }
    }

    // MARK: - Time

    /// Makes sure that the connection is looked at when the next of its times comes.
    func schedule(_ id: ConnectionID) {
        guard let connection = connections[id] else { return }
        // Who does not wait is told at once.
        let waiter = line[id].flatMap { $0.refusal == nil ? $0 : nil }
        let jobs = connection.session.nextDeadline.map { waiter == nil ? $0 : $0 - Session.safetyMargin }
        guard let next = [jobs, waiter?.timeout].compactMap(\.self).min() else { return }
        if let tick = connection.tick {
            if tick.at <= next { return }
            tick.task.cancel()
        }
        let task = loop.scheduleTask(deadline: next) { self.assumeIsolated { $0.tick(id) } }
        connection.tick = (next, task)
    }

    private func tick(_ id: ConnectionID) {
        guard let connection = connections[id] else { return }
        connection.tick = nil
        let now = NIODeadline.now()
        let isSoon = connection.session.isDeadlineSoon(at: now)
        let late = connection.session.takeTimedOut(at: now)
        if !late.isEmpty {
            for job in late.keys {
                holders[job] = nil
                logger.debug(
                    "a job's time to run is over", metadata: ["job": "\(job)", "tube": "\(late[job]!.tube)"])
                counts.timeouts += 1
                notes.change(job) { $0.timeouts += 1 }
            }
            startGivingBack(late, because: "its client did not finish it within its time to run")
        }
        if let waiter = line[id], waiter.refusal == nil {
            if isSoon {
                line.remove(id)
                send(.deadlineSoon, to: id)
            } else if waiter.timeout.map({ $0 <= now }) == true {
                line.remove(id)
                send(.timedOut, to: id)
            }
        }
        schedule(id)
    }

    func startGivingBack(_ jobs: [JobID: Session.Reservation], because reason: String) {
        let before = givingBack
        lastGivenBack += 1
        let number = lastGivenBack
        tasks.enter()
        givingBack = Task {
            await giveBack(jobs, because: reason)
            await before?.value
            if lastGivenBack == number { givingBack = nil }
            tasks.leave()
        }
    }

    /// Jobs whose client has lost them are ready again.
    func giveBack(_ jobs: [JobID: Session.Reservation], because reason: String) async {
        let settlements = jobs.values.map { job in
            let outcome: Settlement.Outcome =
                options.maxCrashes == nil ? .release(after: .zero) : .crash(error: reason, retryAfter: .zero)
            return Settlement(job.lease, outcome)
        }
        do {
            let answers = try await store.settle(settlements)
            for (settlement, answer) in zip(settlements, answers) where answer == .settled(.buried) {
                let job = settlement.lease.job
                report(.buried, ["job": "\(job)", "tube": "\(jobs[job]!.tube)", "reason": "\(reason)"])
            }
        } catch {
            // Nobody extends its lease any more.
            report(.notGivenBack, ["jobs": Self.named(jobs.keys), "error": "\(error)"])
        }
        poke(Set(jobs.values.map(\.tube)), .claim)
    }

    func drain() { isDraining = true }
}
