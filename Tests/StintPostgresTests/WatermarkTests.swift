import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: where claims begin to look")
struct WatermarkTests {
    private let clock = TestClock()

    private func watermarks(reconnects: @escaping @Sendable () -> Int = { 0 }) -> Watermarks {
        Watermarks(reconnects: reconnects, milliseconds: { [clock] in clock.now().monotonic })
    }

    private static let slow = Watermarks.Cost(microseconds: 10_000, workers: 1)

    /// Slow looks at the whole line, so that the marks are used; these ids are old enough to be marks.
    private func slowLine(_ watermarks: Watermarks, upTo id: Int64) {
        for _ in 0..<3 {
            clock.advance(by: .seconds(2))
            let look = watermarks.look(at: 1, isClaim: true)
            #expect(look.isWhole)
            watermarks.hasTaken([(5, id)], look, at: 1, Self.slow)
        }
    }

    private func ranges(_ watermarks: Watermarks) -> [Watermarks.Range]? {
        let look = watermarks.look(at: 1, isClaim: true)
        return look.isWhole ? nil : look.ranges
    }

    @Test("as long as looks at the whole line are quick, or only one was slow, each claim looks at it")
    func quick() {
        let watermarks = watermarks()
        for microseconds: Int64 in [500, 90_000, 500, 90_000, 500] {
            let look = watermarks.look(at: 1, isClaim: true)
            #expect(look.isWhole && look.ranges == [.all])
            watermarks.hasTaken([(5, 100)], look, at: 1, Watermarks.Cost(microseconds: microseconds, workers: 1))
            clock.advance(by: .seconds(1))
        }
        // For so many jobs the same time is quick.
        for _ in 0..<3 {
            let look = watermarks.look(at: 1, isClaim: true)
            #expect(look.isWhole)
            let jobs = (101...300).map { (priority: Int64(5), id: Int64($0)) }
            watermarks.hasTaken(jobs, look, at: 1, Self.slow)
        }
    }

    @Test("slow looks at the whole line take a twentieth of the time, and those between begin at the marks")
    func slowLooks() {
        let watermarks = watermarks()
        slowLine(watermarks, upTo: 1_000)
        let behind = [
            Watermarks.Range(priority: -1, after: 0, until: 5),
            Watermarks.Range(priority: 5, after: 1_000, until: .max),
        ]
        #expect(ranges(watermarks) == behind)
        #expect(watermarks.untilWholeLook(at: 1) == .milliseconds(200))
        clock.advance(by: .milliseconds(199))
        #expect(ranges(watermarks) == behind)
        clock.advance(by: .milliseconds(1))
        #expect(ranges(watermarks) == nil)
        // Another claim does not do the same meanwhile.
        #expect(ranges(watermarks) == behind)
        clock.advance(by: .milliseconds(200))
        let look = watermarks.look(at: 1, isClaim: true)
        watermarks.hasTaken([(5, 1_001)], look, at: 1, Watermarks.Cost(microseconds: 10_000, workers: 16))
        #expect(watermarks.untilWholeLook(at: 1) == .milliseconds(3_200))
    }

    @Test("each priority has its own mark, and all are looked at in the order of the line")
    func priorities() {
        let watermarks = watermarks()
        slowLine(watermarks, upTo: 1_000)
        let look = watermarks.look(at: 1, isClaim: true)
        // The claim went through priority 5 to its end, and to job 900 of priority 9.
        watermarks.hasTaken([(2, 700), (9, 800), (9, 900)], look, at: 1, Self.slow)
        #expect(
            ranges(watermarks) == [
                Watermarks.Range(priority: -1, after: 0, until: 2),
                Watermarks.Range(priority: 2, after: 1_000, until: 5),
                Watermarks.Range(priority: 5, after: 1_000, until: 9),
                Watermarks.Range(priority: 9, after: 900, until: .max),
            ])
        // One that has taken nothing has gone through all.
        watermarks.hasTaken([], watermarks.look(at: 1, isClaim: true), at: 1, Self.slow)
        #expect(ranges(watermarks)?.last == Watermarks.Range(priority: 9, after: 1_000, until: .max))
    }

    @Test("no mark is above jobs that may not be committed yet")
    func late() {
        let watermarks = watermarks()
        slowLine(watermarks, upTo: 1_000)
        func mark(after id: Int64) -> Int64? {
            watermarks.hasTaken([(5, id)], watermarks.look(at: 1, isClaim: true), at: 1, Self.slow)
            return ranges(watermarks)?.last?.after
        }
        #expect(mark(after: 2_000) == 1_000)
        clock.advance(by: .milliseconds(100))
        #expect(mark(after: 2_100) == 1_000)
    }

    @Test("a look at the whole line that finds jobs lowers the mark, so that the next claims take the rest")
    func comeBack() {
        let watermarks = watermarks()
        slowLine(watermarks, upTo: 1_000)
        let before = watermarks.look(at: 1, isClaim: true)
        clock.advance(by: .milliseconds(200))
        let whole = watermarks.look(at: 1, isClaim: true)
        #expect(whole.isWhole && !before.isWhole)
        watermarks.hasTaken([(5, 20), (5, 21)], whole, at: 1, Self.slow)
        #expect(ranges(watermarks)?.last?.after == 21)
        // It had begun before, and knows nothing of them.
        watermarks.hasTaken([(5, 1_001)], before, at: 1, Self.slow)
        #expect(ranges(watermarks)?.last?.after == 21)
        watermarks.hasTaken([(5, 22)], watermarks.look(at: 1, isClaim: true), at: 1, Self.slow)
        #expect(ranges(watermarks)?.last?.after == 22)
    }

    @Test("all is forgotten when a connection was made again, and there are at most 64 marks")
    func forgets() {
        let reconnects = Counter()
        let watermarks = watermarks { reconnects.value }
        slowLine(watermarks, upTo: 1_000)
        let look = watermarks.look(at: 1, isClaim: true)
        watermarks.hasTaken((1...200).map { (Int64($0), Int64($0)) }, look, at: 1, Self.slow)
        #expect(ranges(watermarks)?.count == Watermarks.mostMarks + 1)
        #expect(ranges(watermarks)?.last?.priority == 64)
        reconnects.increment()
        #expect(ranges(watermarks) == nil)
    }

    // MARK: - With a server

    @Test("claims begin behind what was taken, find more urgent jobs at once, and one that came back a little later")
    func atTheServer() async throws {
        let url = try await PostgresCluster.shared.database()
        let store = try await PostgresStore.open(url, clock: clock, quickMicroseconds: -1)
        func claim(_ limit: Int = 100) async throws -> [LeasedJob] {
            try await store.claim(ClaimRequest(queues: ["q"], limit: limit, lease: .seconds(60), worker: "w"))
        }
        func put(_ payloads: [UInt8], priority: UInt32 = JobOptions().priority) async throws {
            let options = JobOptions(priority: priority)
            _ = try await store.enqueue(payloads.map { try NewJob([$0], in: "q", options: options) })
        }
        try await put([1])
        let first = try #require(try await claim().first)
        for _ in 0..<4 {
            try await put([2, 3])
            let jobs = try await claim()
            #expect(jobs.map(\.payload) == [[2], [3]])
            _ = try await store.settle(jobs.map { Settlement($0.lease, .ack) })
            clock.advance(by: .seconds(2))
            #expect(try await claim().isEmpty)
        }
        _ = try await store.settle([Settlement(first.lease, .release(after: .zero))])
        // Its id is below the mark, and the time for a look at the whole line has not come.
        #expect(try await claim().isEmpty)
        let next = try await store.nextReady(in: ["q"], passingOverSuspects: false)
        guard case .after(let pause) = next else {
            Issue.record("expected a time, got \(next)")
            return
        }
        try await put([7], priority: 7)
        #expect(try await store.nextReady(in: ["q"], passingOverSuspects: false) == .now)
        #expect(try await claim(1).map(\.payload) == [[7]])
        clock.advance(by: pause)
        // A look that takes nothing leaves it to the claim.
        #expect(try await store.nextReady(in: ["q"], passingOverSuspects: false) == .now)
        #expect(try await claim().map(\.payload) == [[1]])
        await store.close()
    }

    @Test("a claim that was to take nothing, or of a worker that is gone, says nothing of the jobs that are there")
    func hasNotLooked() async throws {
        let url = try await PostgresCluster.shared.database()
        let store = try await PostgresStore.open(url, clock: clock, quickMicroseconds: -1)
        func claim(slots: Int? = nil, of worker: WorkerID? = nil) async throws -> [UInt8] {
            let request = ClaimRequest(
                queues: ["q"], limit: 1, lease: .seconds(60), worker: "w", registration: worker, idleSlots: slots)
            return try await store.claim(request).flatMap(\.payload)
        }
        func put(_ payload: UInt8, priority: UInt32) async throws {
            let options = JobOptions(priority: priority)
            _ = try await store.enqueue([NewJob([payload], in: "q", options: options)])
        }
        var workers: [WorkerID] = []
        for _ in 0..<3 {
            let worker = WorkerRegistration(
                name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["q"], concurrency: 1)
            workers.append(try await store.register(worker, as: nil).id)
        }
        try await store.deregister(workers[0])
        try await put(1, priority: 9)
        #expect(try await claim() == [1])
        try await put(2, priority: 9)
        for number in UInt8(3)..<7 {
            clock.advance(by: .seconds(2))
            try await put(number, priority: 1)
            #expect(try await claim() == [number])
        }
        // Each worker's share of one job is none.
        #expect(try await claim(slots: 0).isEmpty)
        #expect(try await claim(of: workers[0]).isEmpty)
        #expect(try await claim() == [2])
        await store.close()
    }
}
