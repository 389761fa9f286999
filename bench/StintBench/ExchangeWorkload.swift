import Stint
import StintCore
import StintPlatform

/// Claims and acknowledgements through the store's own verb, in one process: each call settles the last batch and claims
/// the next in one transaction. With `enqueues`, a batch is enqueued before each: the whole life of a job.
struct ExchangeWorkload: Workload {
    let assignment: Assignment
    let enqueues: Bool

    init(_ assignment: Assignment, enqueues: Bool) {
        self.assignment = assignment
        self.enqueues = enqueues
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let name = StintWorkload.queue
        let options = SQLiteStore.Options(assignment.durability, assignment.writeLock)
        let queue = try await BenchQueue(at: assignment.database, options: options)
        let payload = [UInt8](repeating: UInt8(ascii: "x"), count: assignment.payloadBytes)
        let jobs = Array(repeating: try NewJob(payload, in: name), count: assignment.batch)
        let store = BusyStore(queue, assignment.batch, idleSlots: assignment.idleSlots)
        try await warmUp(store)
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let deadline = assignment.deadline(barrier)
        var (finished, done): ([Settlement], Int) = ([], 0)
        while MonotonicClock.nanoseconds() < deadline, done < assignment.jobLimit ?? .max {
            if enqueues {
                _ = try await queue.enqueue(jobs: jobs)
                recorder.enqueued(jobs.count)
            }
            let claimed = try await store.exchange(finished, claims: true, recorder)
            if claimed.isEmpty, finished.isEmpty, !enqueues { break }
            finished = claimed.map { job in
                recorder.started(job.id.rawValue)
                recorder.finished(job.id.rawValue)
                return Settlement(job.lease, .ack)
            }
            done += finished.count
        }
        _ = try await store.exchange(finished, claims: false, recorder)
        return recorder.report()
    }

    private func warmUp(_ store: BusyStore) async throws {
        var finished: [Settlement] = []
        for batch in 0..<assignment.warmUp {
            let claimed = try await store.exchange(finished, claims: batch + 1 < assignment.warmUp, nil)
            finished = claimed.map { Settlement($0.lease, .ack) }
        }
    }
}

/// Enqueues batches until the time is up.
struct ProducerWorkload: Workload {
    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let options = SQLiteStore.Options(assignment.durability, assignment.writeLock)
        let queue = try await BenchQueue(at: assignment.database, options: options)
        let jobs = Array(repeating: try NewJob(Backlog.payload, in: StintWorkload.queue), count: assignment.batch)
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let deadline = assignment.deadline(barrier)
        while MonotonicClock.nanoseconds() < deadline {
            let before = MonotonicClock.nanoseconds()
            do {
                _ = try await queue.enqueue(jobs: jobs)
                recorder.enqueued(jobs.count)
            } catch let error as StintError where error.code == .databaseBusy {
                recorder.locked()
            }
            recorder.waited(since: before)
        }
        return recorder.report()
    }
}

/// One process's claims on the store.
private struct BusyStore {
    let queue: BenchQueue
    let request: ClaimRequest

    init(_ queue: BenchQueue, _ batch: Int, idleSlots: Int?) {
        self.queue = queue
        request = ClaimRequest(
            queues: [StintWorkload.queue], limit: batch, lease: .seconds(600), worker: ProcessIdentity.current.name,
            idleSlots: idleSlots)
    }

    /// Tries again while the file stays locked: a worker that gave up would drop out of the comparison.
    func exchange(_ finished: [Settlement], claims: Bool, _ recorder: Recorder?) async throws -> [LeasedJob] {
        let before = MonotonicClock.nanoseconds()
        defer { recorder?.waited(since: before) }
        while true {
            do {
                let request = claims ? request : nil
                let exchange = try await queue.store.exchange(finished, for: request)
                guard exchange.answers.allSatisfy({ $0 == .settled(.done) }) else {
                    throw BenchError("an acknowledgement was refused although its lease stood")
                }
                return exchange.jobs
            } catch let error as StintError where error.code == .databaseBusy {
                recorder?.locked()
            }
        }
    }
}
