import Stint

/// The whole life of a job through Stint's public verbs, in one process: enqueue a batch; acknowledge the last batch
/// and claim the next in one transaction; and so on.
struct StintLifeWorkload: Workload {
    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    func work(start: () throws -> Gun) async throws -> WorkerReport {
        let name = StintWorkload.queue
        let queue = try await JobQueue(.sqlite(assignment.database, durability: .init(assignment.durability)))
        let jobs = try (0..<assignment.batch).map { _ in try NewJob(Backlog.payload, in: name) }
        let request = ClaimRequest(
            queues: [name], limit: assignment.batch, lease: .seconds(30), worker: ProcessIdentity.current.name)
        let gun = try start()
        let recorder = Recorder(gun: gun, burst: assignment.burst)
        let deadline = assignment.deadline(gun)
        var finished: [Settlement] = []
        while MonotonicClock.nanoseconds() < deadline {
            _ = try await queue.enqueue(jobs: jobs)
            let exchange = try await queue.store.exchange(finished, for: request, now: queue.clock.now())
            try check(exchange.answers)
            finished = exchange.jobs.map { job in
                recorder.started(job.id.rawValue)
                recorder.finished(job.id.rawValue)
                return Settlement(job.lease, .ack)
            }
        }
        try check(try await queue.store.settle(finished, now: queue.clock.now()))
        return recorder.report()
    }

    private func check(_ answers: [Settlement.Answer]) throws {
        guard answers.allSatisfy({ $0 == .settled(.done) }) else {
            throw BenchError("an acknowledgement was refused although nobody else worked on the file")
        }
    }
}
