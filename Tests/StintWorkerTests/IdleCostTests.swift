import Foundation
import Stint
import StintCore
import StintPlatform
import TestSupport
import Testing

@testable import StintWorker

@Suite("What idle processes do not do", .timeLimit(.minutes(5)))
struct IdleCostTests {
    @Test("an idle worker has no timer for leases, and extends the lease of the next long job")
    func leases() async throws {
        try await withQueue { queue in
            var options = Worker.Options()
            options.lease = .milliseconds(1_500)
            // It notices that it holds nothing long before the first extension.
            options.pollInterval = .milliseconds(50)
            var worker = Worker(queue, queues: ["q"], options: options)
            let door = Door()
            worker.registerJob(Greeting.self) { job, _ in if job.name == "long" { try await door.wait() } }
            let loop = WorkerLoop(worker)
            let run = Task { await loop.run() }
            try await queue.enqueue(Greeting(name: "short"), in: "q")
            try await eventually("it has worked") { try await queue.counts().done == 1 }
            try await eventually("it holds nothing and keeps nothing") { await loop.leaseKeeping == nil }
            #expect(await loop.leases.deadlines.isEmpty)
            let id = try await queue.enqueue(Greeting(name: "long"), in: "q").id
            try await door.untilArrived()
            let first = try #require(try await queue.record(id)?.leaseExpiresAtMilliseconds)
            try await eventually("the lease was extended past its length") {
                let record = try #require(try await queue.record(id))
                try #require(record.state == .leased && record.attempts == 1)
                return record.leaseExpiresAtMilliseconds! > first + 1_500
            }
            door.open()
            await loop.stop(grace: .seconds(30))
            _ = await run.value
        }
    }

    @Test("an idle worker whose store looks for jobs notices by itself that the queue is drained, or that it is old")
    func checksMore() async throws {
        for drains in [true, false] {
            try await withQueue(safetyLookInterval: .milliseconds(20)) { queue in
                try await queue.enqueue(payload: [1], in: "q")
                let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(3_600), worker: "other:1")
                let job = try #require(try await queue.store.claim(request).first)
                var options = Worker.Options()
                options.pollInterval = .milliseconds(50)
                options.drains = drains
                if !drains { options.recycling.maxAge = .milliseconds(300) }
                var worker = Worker(queue, queues: ["q"], options: options)
                worker.registerOthers { _ in }
                let start = ContinuousClock.now
                let run = Task { [worker] in try await worker.run() }
                try await eventually("it is there") { try await queue.store.workers().count == 1 }
                // It sleeps, and no wake-up tells of this.
                let end = ContinuousClock.now + .milliseconds(200)
                try await eventually("200 ms are over") { ContinuousClock.now >= end }
                if drains { try await queue.store.settle(Settlement(job.lease, .ack)) }
                try await run.value
                #expect(ContinuousClock.now - start < .seconds(40), "it ended with its own rare look")
            }
        }
    }

    @Test(
        "all processes wait for the same moments, and never for longer than the interval",
        arguments: [
            // interval, now, wait
            (5_000, 0, 5_000), (5_000, 1, 4_999), (5_000, 4_999, 1), (5_000, 12_345, 2_655), (1, 17, 1), (0, 17, 1),
        ])
    func moments(_ interval: Int, _ now: Int, _ wait: Int) {
        let result = MachineClock.untilNext(.milliseconds(interval), at: .milliseconds(now))
        #expect(result == .milliseconds(wait))
        #expect(MachineClock.untilNext(.milliseconds(interval), at: .milliseconds(now) + .microseconds(999)) == result)
    }

    @Test("messages are read on the poller's thread, so that no other is woken for them; lines of handlers are not")
    func poller() async throws {
        let threads = Log<Int>()
        for isShort in [true, true, false, false] {
            let pipe = try StintWorker.Pipe()
            let reader = PipeReader(pipe.readEnd, name: "test", isShort: isShort) { _ in
                threads.append(pthread_self().hashValue)
            }
            let before = threads.all.count
            var byte: UInt8 = 1
            #expect(write(pipe.writeEnd, &byte, 1) == 1)
            try await eventually("it is read") { threads.all.count > before }
            await reader.finish()
            closeAll([pipe.writeEnd])
        }
        #expect(threads.all[0] == threads.all[1])
        #expect(threads.all[2] != threads.all[0] && threads.all[3] != threads.all[0])
    }
}
