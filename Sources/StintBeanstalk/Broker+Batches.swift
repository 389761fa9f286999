import NIOCore
import StintCore

/// What many connections ask for at about the same time goes to the store in one call: one switch of threads, and one
/// transaction. It costs a connection alone nothing, since nothing waits for more to come.
extension Broker {
    struct PendingPut: Sendable {
        let job: NewJob
        let delay: UInt32
        let connection: ConnectionID
    }

    struct PendingEnd: Sendable {
        let job: JobID
        let reservation: Session.Reservation
        let outcome: Settlement.Outcome
        let priority: UInt32?
        let connection: ConnectionID
        /// What else to do, and what to reply, once that is done.
        let reply: @Sendable (isolated Broker) -> Reply
    }

    /// Items that wait, and how many calls to the store are under way.
    struct Batches<Item: Sendable>: Sendable {
        private var waiting: [(item: Item, bytes: Int)] = []
        private var calls = 0
        /// How many bytes wait.
        private(set) var bytes = 0
        /// While one batch is being written, the next one is prepared.
        private static var mostCalls: Int { 2 }

        /// - Returns: Whether a call must be begun for it.
        mutating func add(_ item: Item, bytes: Int = 0) -> Bool {
            waiting.append((item, bytes))
            self.bytes += bytes
            guard calls < Self.mostCalls else { return false }
            calls += 1
            return true
        }

        /// The next batch; `nil`: there is none, and the call is over.
        mutating func next() -> [Item]? {
            guard !waiting.isEmpty else {
                calls -= 1
                return nil
            }
            var (count, bytes) = (0, 0)
            while count < waiting.count, count < 1_000, bytes < 4_194_304 {
                bytes += waiting[count].bytes
                count += 1
            }
            self.bytes -= bytes
            defer { waiting.removeFirst(count) }
            return waiting.prefix(count).map(\.item)
        }
    }

    // MARK: - Puts

    func add(_ put: PendingPut) {
        guard puts.add(put, bytes: put.job.payload.count) else { return }
        afterThisTurn { broker in
            while let batch = broker.puts.next() { await broker.enqueue(batch) }
        }
    }

    private func enqueue(_ batch: [PendingPut]) async {
        let enqueued: [Enqueued]
        do {
            enqueued = try await queue.enqueue(jobs: batch.map(\.job))
        } catch {
            logger.error("jobs could not be stored", metadata: ["jobs": "\(batch.count)", "error": "\(error)"])
            // As beanstalkd says if its disk is full: try again later.
            let isTemporary = (error as? StintError).map { [.storageFailed, .databaseBusy].contains($0.code) } ?? false
            for put in batch { send(isTemporary ? .outOfMemory : .internalError, to: put.connection) }
            return
        }
        var (ready, delayed): (Set<QueueName>, Set<QueueName>) = ([], [])
        for (put, job) in zip(batch, enqueued) {
            let tube = put.job.queue
            tubes.addJob(to: tube)
            counts.jobs += 1
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
        guard ends.add(end) else { return }
        afterThisTurn { broker in
            while let batch = broker.ends.next() { await broker.settle(batch) }
        }
    }

    private func settle(_ batch: [PendingEnd]) async {
        let settlements = batch.map { Settlement($0.reservation.lease, $0.outcome, priority: $0.priority) }
        do {
            for (end, answer) in zip(batch, try await store.settle(settlements)) {
                // A person may have taken it away.
                guard case .settled = answer else {
                    send(.notFound, to: end.connection)
                    continue
                }
                send(end.reply(self), to: end.connection)
            }
        } catch {
            logger.error("jobs could not be settled", metadata: ["jobs": "\(batch.count)", "error": "\(error)"])
            await keep(batch)
        }
    }

    /// The store has refused: the clients still hold the jobs.
    private func keep(_ batch: [PendingEnd]) async {
        var lost: [JobID: Session.Reservation] = [:]
        for end in batch {
            guard connections[end.connection] != nil else {
                lost[end.job] = end.reservation
                continue
            }
            connections[end.connection]!.session.reserve(end.job, end.reservation)
            holders[end.job] = end.connection
            schedule(end.connection)
            send(.internalError, to: end.connection)
        }
        if !lost.isEmpty { await giveBack(lost, because: Self.lostConnection) }
    }

    // MARK: - Tasks

    /// What is read from other connections in this turn of the loop comes before it.
    private func afterThisTurn(_ body: @escaping @Sendable (isolated Broker) async -> Void) {
        loop.execute { self.begin(body) }
    }

    /// A task whose calls to the store come back to the event loop.
    nonisolated func begin(_ body: @escaping @Sendable (isolated Broker) async -> Void) {
        tasks.begin()
        Task(executorPreference: executor) {
            await body(self)
            self.tasks.end()
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
