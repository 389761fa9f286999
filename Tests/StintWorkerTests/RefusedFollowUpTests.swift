import StintSQLite
import TestSupport
import Testing

@testable import StintCore
@testable import StintWorker

@Suite("A job whose follow-ups the store refuses", .timeLimit(.minutes(2)))
struct RefusedFollowUpTests {
    /// As on a full disk: what enqueues is refused, and acknowledgements are not.
    @Test("keeps no other job from being acknowledged, and is acknowledged itself when there is room")
    func others() async throws {
        try await withQueue { queue in
            try await queue.enqueue(contentsOf: (0..<6).map { Greeting(name: "\($0)") }, in: "q")
            let (hasRoom, refusals, ran) = (Log<Bool>(), Log<Int>(), Log<String>())
            var store = InterposedStore(base: queue.store)
            store.beforeExchange = { settlements, _ in
                guard hasRoom.all.isEmpty, settlements.contains(where: { !$0.followUps.isEmpty }) else { return }
                refusals.append(settlements.count)
                throw StintError(.storageFailed, "the disk is full")
            }
            var options = Worker.Options()
            options.batch = 6
            var worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { job, context in
                ran.append(job.name)
                guard job.name < "2" else { return }
                context.settlement.finish(leaving: [try NewJob([1], in: "left")])
            }
            try await running([worker]) {
                try await eventually("the four others are acknowledged") { try await queue.counts().done == 4 }
                try await eventually("the store has refused the two again") { refusals.all.count > 2 }
                #expect(try await queue.stats().allSatisfy { $0.name == "q" })
                hasRoom.append(true)
                try await eventually("the two are acknowledged") { try await queue.counts().done == 6 }
            }
            #expect(ran.all.sorted() == ["0", "1", "2", "3", "4", "5"], "each ran once")
            #expect(try await queue.counts("left").ready == 2)
        }
    }

    @Test("a handler that throws after its job was done does not run it again")
    func thrown() async throws {
        try await withQueue { queue in
            try await queue.enqueue(Greeting(name: "a"), in: "q")
            let ran = Log<Int>()
            var options = Worker.Options()
            options.drains = true
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self, retry: .immediate()) { _, context in
                ran.append(context.attempt)
                context.settlement.finish(leaving: [try NewJob([1], in: "left")])
                throw CancellationError()
            }
            try await worker.run()
            #expect(ran.all == [1])
            #expect(try await queue.counts().done == 1)
            #expect(try await queue.counts("left").ready == 1)
        }
    }
}
