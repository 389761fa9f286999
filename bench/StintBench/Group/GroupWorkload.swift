import Stint
import StintCore
import StintPlatform
import Synchronization

/// Tasks of one process that each enqueue one job, or acknowledge one, wait until that is durable, and do the next.
struct GroupWorkload: Workload {
    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let options = SQLiteStore.Options(assignment.durability, assignment.writeLock)
        let queue = try await BenchQueue(at: assignment.database, options: options)
        let acknowledges = assignment.design == .stintAcks
        let leases = LeaseStack(acknowledges ? try await claimAll(queue) : [])
        let job = try NewJob(Backlog.payload, in: StintWorkload.queue)
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let deadline = assignment.deadline(barrier)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<assignment.tasks {
                group.addTask {
                    while MonotonicClock.nanoseconds() < deadline {
                        let before = MonotonicClock.nanoseconds()
                        if acknowledges {
                            guard let lease = leases.next() else { return }
                            try await queue.store.settle(Settlement(lease, .ack))
                            recorder.finished(lease.job.rawValue)
                        } else {
                            _ = try await queue.enqueue(jobs: [job])
                            recorder.enqueued(1)
                        }
                        recorder.waited(since: before)
                    }
                }
            }
            try await group.waitForAll()
        }
        let report = recorder.report()
        try await release(leases.rest, queue)
        return report
    }

    private func claimAll(_ queue: BenchQueue) async throws -> [Lease] {
        let request = ClaimRequest(
            queues: [StintWorkload.queue], limit: assignment.batch, lease: .seconds(3_600),
            worker: ProcessIdentity.current.name)
        var leases: [Lease] = []
        while true {
            let claimed = try await queue.store.claim(request)
            if claimed.isEmpty { return leases }
            leases += claimed.map(\.lease)
        }
    }

    /// Leaves nothing half-way, as after every run.
    private func release(_ leases: ArraySlice<Lease>, _ queue: BenchQueue) async throws {
        for start in stride(from: leases.startIndex, to: leases.endIndex, by: 1_000) {
            let part = leases[start..<min(start + 1_000, leases.endIndex)]
            _ = try await queue.store.settle(
                part.map { Settlement($0, .release(after: .zero)) })
        }
    }
}

/// The leases that tasks have not taken yet.
private final class LeaseStack: Sendable {
    private let leases: [Lease]
    private let taken = Mutex(0)

    init(_ leases: [Lease]) {
        self.leases = leases
    }

    func next() -> Lease? {
        taken.withLock { taken in
            guard taken < leases.count else { return nil }
            taken += 1
            return leases[taken - 1]
        }
    }

    var rest: ArraySlice<Lease> { taken.withLock { leases[$0...] } }
}
