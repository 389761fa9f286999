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
        private var lastBatch = 0
        private var lastAnswered = 0
        /// The replies to batches that are over before an earlier one is.
        private var early: [Int: @Sendable (isolated Broker) -> Void] = [:]

        /// - Returns: Whether a call must be begun for it.
        mutating func add(_ item: Item, bytes: Int = 0) -> Bool {
            waiting.append((item, bytes))
            self.bytes += bytes
            guard calls < Self.mostCalls else { return false }
            calls += 1
            return true
        }

        /// The next batch, and its number; `nil`: there is none, and the call is over.
        mutating func next() -> (number: Int, items: [Item])? {
            guard !waiting.isEmpty else {
                calls -= 1
                return nil
            }
            var (count, bytes) = (0, 0)
            while count < waiting.count, count < 1_000, bytes < 4_194_304 {
                bytes += waiting[offset: count].bytes
                count += 1
            }
            self.bytes -= bytes
            defer { waiting.removeFirst(count) }
            lastBatch += 1
            return (lastBatch, waiting.prefix(count).map(\.item))
        }

        /// A batch is over.
        ///
        /// - Returns: What answers it, and those whose turn comes with it; nothing while an earlier batch is under way.
        mutating func inOrder(
            _ number: Int, _ answer: @escaping @Sendable (isolated Broker) -> Void
        ) -> [@Sendable (isolated Broker) -> Void] {
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
        guard puts.add(put, bytes: put.job.payload.count + PendingPut.overhead) else { return }
        begin { broker in
            while let (number, batch) = broker.puts.next() {
                let outcome = await broker.enqueue(batch)
                for answer in broker.puts.inOrder(number, { $0.answer(batch, outcome) }) { answer(broker) }
            }
        }
    }

    private func enqueue(_ batch: [PendingPut]) async -> Result<[Enqueued], any Error> {
        do {
            return .success(try await queue.enqueue(jobs: batch.map(\.job)))
        } catch {
            report(.notStored, ["jobs": "\(batch.count)", "error": "\(error)"])
            return .failure(error)
        }
    }

    private func answer(_ batch: [PendingPut], _ outcome: Result<[Enqueued], any Error>) {
        let enqueued: [Enqueued]
        switch outcome {
        case .success(let answers): enqueued = answers
        case .failure(let error):
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
        begin { broker in
            while let (number, batch) = broker.ends.next() {
                let outcome = await broker.settle(batch)
                for answer in broker.ends.inOrder(number, { $0.answer(batch, outcome) }) { answer(broker) }
            }
        }
    }

    private func settle(_ batch: [PendingEnd]) async -> Result<[Settlement.Answer], any Error> {
        do {
            return .success(
                try await store.settle(
                    batch.map { Settlement($0.reservation.lease, $0.outcome, priority: $0.priority) }))
        } catch {
            report(.notSettled, ["jobs": Self.named(batch.map(\.job)), "error": "\(error)"])
            return .failure(error)
        }
    }

    private func answer(_ batch: [PendingEnd], _ outcome: Result<[Settlement.Answer], any Error>) {
        guard case .success(let answers) = outcome else { return keep(batch) }
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

    // MARK: - Tasks

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
