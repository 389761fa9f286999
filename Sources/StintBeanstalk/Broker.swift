import Logging
import NIOCore
import StintCore

/// A connection, by a number that is not used again.
struct ConnectionID: Hashable, Sendable {
    let number: Int
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

    struct Connection {
        var session = Session()
        let answer: @Sendable (Reply) -> Void
        var tick: (at: NIODeadline, task: Scheduled<Void>)?
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
    nonisolated let tasks = RunningTasks()

    let queue: JobQueue<AnyJobStore>
    var store: AnyJobStore { queue.store }
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
    var isDraining = false
    var isStopping = false

    init(_ queue: JobQueue<AnyJobStore>, on loop: any EventLoop, options: JobServer.Options) {
        self.queue = queue
        self.loop = loop
        self.options = options
        executor = EventLoopExecutor(loop)
    }

    // MARK: - Connections

    /// - Parameter answer: Sends a reply, on the event loop.
    func open(_ answer: @escaping @Sendable (Reply) -> Void) -> ConnectionID {
        counts.connections += 1
        let id = ConnectionID(number: counts.connections)
        connections[id] = Connection(answer: answer)
        tubes.beginUse(.default)
        tubes.beginWatch(.default)
        return id
    }

    /// Gives its jobs back.
    func close(_ id: ConnectionID) {
        guard var connection = connections.removeValue(forKey: id) else { return }
        line.remove(id)
        connection.tick?.task.cancel()
        tubes.endUse(connection.session.used)
        for tube in connection.session.watched { tubes.endWatch(tube) }
        let jobs = connection.session.takeAll()
        guard !jobs.isEmpty, !isStopping else { return }
        for job in jobs.keys { holders[job] = nil }
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

    func change<Value>(_ id: ConnectionID, _ change: (inout Session) -> Value) -> Value? {
        guard connections[id] != nil else { return nil }
        return change(&connections[id]!.session)
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
        connections[id]!.tick = (next, task)
    }

    private func tick(_ id: ConnectionID) {
        guard connections[id] != nil else { return }
        connections[id]!.tick = nil
        let now = NIODeadline.now()
        let isSoon = connections[id]!.session.isDeadlineSoon(at: now)
        let late = connections[id]!.session.takeTimedOut(at: now)
        if !late.isEmpty {
            for job in late.keys {
                holders[job] = nil
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

    private func startGivingBack(_ jobs: [JobID: Session.Reservation], because reason: String) {
        let before = givingBack
        lastGivenBack += 1
        let number = lastGivenBack
        tasks.begin()
        givingBack = Task {
            await giveBack(jobs, because: reason)
            await before?.value
            if lastGivenBack == number { givingBack = nil }
            tasks.end()
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
                logger.warning(
                    "a job was buried: \(reason), once too often",
                    metadata: ["job": "\(settlement.lease.job)", "tube": "\(jobs[settlement.lease.job]!.tube)"])
            }
        } catch {
            // Nobody extends its lease any more.
            logger.error(
                "jobs could not be given back; they are ready again when their leases have run out",
                metadata: ["jobs": "\(jobs.keys.map(\.rawValue).sorted())", "error": "\(error)"])
        }
        poke(Set(jobs.values.map(\.tube)), .claim)
    }

    // MARK: - The worker that holds all jobs

    func register() async throws {
        let worker = WorkerRegistration(
            name: "beanstalk \(WorkerProcess.current.name)", process: .current, queues: [.default], concurrency: 1)
        registration = try await store.register(worker, as: registration).id
        lastRenewal = .now()
    }

    /// Extends the leases of the jobs that clients hold, and the registration.
    func keepLeases() async {
        let held = connections.values.flatMap { $0.session.reserved.values.map(\.lease) }
        do {
            var rest = held[...]
            while !rest.isEmpty {
                let lost = try await store.extend(Array(rest.prefix(1_000)), by: Self.lease)
                rest = rest.dropFirst(1_000)
                for lease in lost { drop(lease) }
            }
            if lastRenewal + .seconds(600) < .now() { try await register() }
        } catch {
            logger.error("the leases could not be extended; trying again", metadata: ["error": "\(error)"])
        }
    }

    /// A person has taken the job from its client.
    private func drop(_ lease: Lease) {
        guard let holder = holders[lease.job],
            connections[holder]?.session.reserved[lease.job]?.lease == lease
        else { return }
        holders[lease.job] = nil
        _ = connections[holder]?.session.end(lease.job)
    }

    /// Gives all jobs back at no cost.
    func stop() async {
        isStopping = true
        alarm?.task.cancel()
        let leases = connections.values.flatMap { $0.session.reserved.values.map(\.lease) }
        do {
            _ = try await store.settle(leases.map { Settlement($0, .release(after: .zero)) })
            if let registration { try await store.deregister(registration) }
        } catch {
            logger.error(
                "jobs could not be given back at the end; the next reap does it", metadata: ["error": "\(error)"])
        }
    }

    func drain() { isDraining = true }
}

/// What the server counts since its start.
struct ServerCounts: Sendable {
    private var commands = Array(repeating: 0, count: Verb.allCases.count)
    var connections = 0
    var timeouts = 0
    var jobs = 0

    subscript(verb: Verb) -> Int {
        get { commands[verb.rawValue] }
        set { commands[verb.rawValue] = newValue }
    }
}
