import Stint
import StintCore
import StintSQLite
import TestSupport
import Testing

@testable import StintWorker

@Suite("A worker whose claim had to wait for the write lock", .timeLimit(.minutes(2)))
struct LongWaitTests {
    @Test("extends the lease before the job starts: much of it is over by this worker's reckoning")
    func extendsFirst() async throws {
        try await withQueue { queue in
            let (events, claims) = (Log<String>(), Log<ContinuousClock.Instant>())
            var options = Worker.Options()
            options.lease = .milliseconds(1_500)
            let store = InterposedStore(
                base: queue.store, beforeExchange: { _, request in if request != nil { claims.append(.now) } },
                beforeExtend: { events.append("extends") })
            var worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
            worker.registerOthers { _ in events.append("starts") }
            try await running([worker]) {
                try await eventually("it has looked for jobs") { !claims.all.isEmpty }
                // Its time comes while another program holds the lock, for longer than a third of the lease.
                let due = ContinuousClock.now + .milliseconds(1_500)
                try await queue.enqueue(payload: [1], in: "q", delay: .milliseconds(1_500))
                try await queue.store.holdingWriteLock {
                    try await eventually("the worker claims it") { claims.all.contains { $0 >= due } }
                    let end = claims.all.first { $0 >= due }! + .milliseconds(1_000)
                    try await eventually("the lock was held for so long") { ContinuousClock.now >= end }
                    #expect(events.all.isEmpty)
                }
                try await eventually("the job is done") { try await queue.counts().unfinished == 0 }
            }
            #expect(Array(events.all.prefix(2)) == ["extends", "starts"])
        }
    }
}
