import NIOCore
import StintCore

/// What many connections ask for at about the same time goes to the store in one call: one switch of threads, and one
/// transaction. It costs a connection alone nothing, since nothing waits for more to come.
extension Broker {
    struct PendingPut: Sendable {
        /// About how many bytes it takes beside the body.
        static let overhead = 256

        let job: NewJob
        let delay: UInt32
        let connection: Connection
    }

    struct PendingEnd: Sendable {
        let job: JobID
        let reservation: Session.Reservation
        let outcome: Settlement.Outcome
        let priority: UInt32?
        let connection: Connection
        /// What else to do, and what to reply, once that is done.
        let reply: @Sendable (isolated Broker) -> Reply
    }

    /// Items that wait, and the calls to the store that are under way.
    struct Batches<Item: Sendable>: Sendable {
        private var waiting = CircularBuffer<(item: Item, bytes: Int)>()
        private var calls = 0
        /// How many bytes wait.
        private(set) var bytes = 0
        /// While one batch is being written, the next one is prepared.
        private static var mostCalls: Int { 2 }
        /// Short enough that the store performs the calls in their order: the ids of jobs are the order of a connection's puts.
        private static var longestBatch: Int { 500 }
        /// From this number of items on a call begins at once, so that the store works while other connections are read.
        private static var worthCall: Int { 24 }
        private var lastBatch = 0
        private var lastAnswered = 0
        /// The replies to batches that are over before an earlier one is.
        private var early: [Int: @Sendable (isolated Broker) -> Void] = [:]

        /// - Returns: Whether a call should begin before this turn of the event loop is over.
        mutating func add(_ item: Item, bytes: Int = 0) -> Bool {
            waiting.append((item, bytes))
            self.bytes += bytes
            return waiting.count >= Self.worthCall && calls < Self.mostCalls
        }

        /// Begins a call with the next batch.
        ///
        /// - Returns: The batch and its number; `nil`: nothing waits, or as many calls are under way as may be.
        mutating func next() -> (number: Int, items: [Item])? {
            guard !waiting.isEmpty, calls < Self.mostCalls else { return nil }
            calls += 1
            var (count, bytes) = (0, 0)
            while count < waiting.count, count < Self.longestBatch, bytes < 4_194_304 {
                bytes += waiting[offset: count].bytes
                count += 1
            }
            self.bytes -= bytes
            defer { waiting.removeFirst(count) }
            lastBatch += 1
            return (lastBatch, waiting.prefix(count).map(\.item))
        }

        /// The call with a batch is over.
        ///
        /// - Returns: What answers it, and those whose turn comes with it; nothing while an earlier batch is under way.
        mutating func inOrder(
            _ number: Int, _ answer: @escaping @Sendable (isolated Broker) -> Void
        ) -> [@Sendable (isolated Broker) -> Void] {
            calls -= 1
            early[number] = answer
            var answers: [@Sendable (isolated Broker) -> Void] = []
            while let next = early.removeValue(forKey: lastAnswered + 1) {
                lastAnswered += 1
                answers.append(next)
            }
            return answers
        }
    }

    // MARK: - Puts

    func add(_ put: PendingPut) {
        if puts.add(put, bytes: put.job.payload.count + PendingPut.overhead) { beginPuts() } else { beginCallsSoon() }
    }

    private func beginPuts() {
        while let (number, batch) = puts.next() {
            tasks.enter()
            let jobs = batch.map(\.job)
            calls.startEnqueue(jobs) { outcome in
                self.onLoop { broker in
                    if case .success(let enqueued) = outcome { EnqueueMetrics.count(jobs, enqueued) }
                    for answer in broker.puts.inOrder(number, { $0.answer(batch, outcome) }) { answer(broker) }
                    broker.beginPuts()
                    broker.tasks.leave()
                }
            }
        }
    }

    private func answer(_ batch: [PendingPut], _ outcome: Result<[Enqueued], any Error>) {
        let enqueued: [Enqueued]
        switch outcome {
        case .success(let answers): enqueued = answers
        case .failure(let error):
            report(.notStored, ["jobs": "\(batch.count)", "error": "\(error)"])
            // As beanstalkd says if its disk is full: try again later.
            let isTemporary = (error as? StintError).map { [.storageFailed, .databaseBusy].contains($0.code) } ?? false
            let reply = isTemporary ? Reply.outOfMemory : .internalError
            for put in batch {
                counts.refusePut(reply)
                send(reply, to: put.connection)
            }
            return
        }
        counts.putBatches += 1
        var (ready, delayed): (Set<QueueName>, Set<QueueName>) = ([], [])
        for (put, job) in zip(batch, enqueued) {
            let tube = put.job.queue
            tubes.addJob(to: tube)
            counts.jobs += 1
            raiseDurable(to: job.id)
            if put.delay > 0 { notes.change(job.id) { $0.delay = put.delay } }
            if line.waiting[tube] != nil {
                if put.delay == 0 { ready.insert(tube) } else { delayed.insert(tube) }
            }
            send(.inserted(job.id), to: put.connection)
        }
        if !ready.isEmpty { poke(ready, .claim) }
        if !delayed.isEmpty { poke(delayed, .read) }
    }

    // MARK: - Ends of jobs that clients hold

    func add(_ end: PendingEnd) {
        if ends.add(end) { beginEnds() } else { beginCallsSoon() }
    }

    private func beginEnds() {
        while let (number, batch) = ends.next() {
            tasks.enter()
            let settlements = batch.map { Settlement($0.reservation.lease, $0.outcome, priority: $0.priority) }
            calls.startExchange(settlements, for: nil) { outcome in
                self.onLoop { broker in
                    for answer in broker.ends.inOrder(number, { $0.answer(batch, outcome) }) { answer(broker) }
                    broker.beginEnds()
                    broker.tasks.leave()
                }
            }
        }
    }

    private func answer(_ batch: [PendingEnd], _ outcome: Result<Exchange, any Error>) {
        let answers: [Settlement.Answer]
        switch outcome {
        case .success(let exchange): answers = exchange.answers
        case .failure(let error):
            report(.notSettled, ["jobs": Self.named(batch.map(\.job)), "error": "\(error)"])
            return keep(batch)
        }
        counts.settlementBatches += 1
        for (end, answer) in zip(batch, answers) {
            // A person may have taken it away.
            guard case .settled = answer else {
                send(.notFound, to: end.connection)
                continue
            }
            counts.jobsSettled += 1
            send(end.reply(self), to: end.connection)
        }
    }

    /// The store has refused: the clients still hold the jobs.
    private func keep(_ batch: [PendingEnd]) {
        var lost: [JobID: Session.Reservation] = [:]
        for end in batch {
            guard end.connection.isOpen else {
                lost[end.job] = end.reservation
                continue
            }
            end.connection.session.reserve(end.job, end.reservation)
            holders[end.job] = end.connection.id
            schedule(end.connection.id)
            send(.internalError, to: end.connection)
        }
        if !lost.isEmpty { startGivingBack(lost, because: Self.lostConnection) }
    }

    // MARK: - Calls and tasks

    /// Begins the calls for what waits after this turn of the loop, and so after what is read from other connections in it.
    private func beginCallsSoon() {
        guard !callsBeginSoon else { return }
        callsBeginSoon = true
        tasks.enter()
        onLoop { broker in
            broker.callsBeginSoon = false
            broker.beginPuts()
            broker.beginEnds()
            broker.tasks.leave()
        }
    }

    private nonisolated func onLoop(_ body: @escaping @Sendable (isolated Broker) -> Void) {
        loop.execute { self.assumeIsolated(body) }
    }

    /// A task whose calls to the store come back to the event loop. It begins after this turn of the loop, and so after what
    /// is read from other connections in it.
    nonisolated func begin(_ body: @escaping @Sendable (isolated Broker) async -> Void) {
        tasks.enter()
        Task(executorPreference: executor) {
            await body(self)
            self.tasks.leave()
        }
    }
}

/// Runs what a task does outside of actors on an event loop, so that a call to the store comes back to it without a third
/// thread in between.
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
