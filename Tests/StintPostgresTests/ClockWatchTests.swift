import PostgresSupport
import StintCore
import Synchronization
import Testing

@testable import StintPostgres

@Suite("The clock of a PostgreSQL server that is set")
struct ClockWatchTests {
    private func look(_ steady: Int64, _ asked: Int64, took: Int64 = 0) -> ClockWatch.Look {
        ClockWatch.Look(steady: steady, asked: asked, answered: asked + took, jumps: 0)
    }

    @Test("is told from a slow answer, and from a clock that runs a little slower")
    func jumps() {
        let before = look(100_000, 0, took: 5)
        #expect(look(110_000, 10_000).jump(since: before) == 0)
        #expect(look(110_900, 10_000).jump(since: before) == 0)
        #expect(look(109_100, 10_000).jump(since: before) == 0)
        // The server may have read its clock at any time of the two seconds.
        #expect(look(112_000, 10_000, took: 2_000).jump(since: before) == 0)
        #expect(look(3_710_000, 10_000).jump(since: before) == 3_600_000)
        #expect(look(-3_490_000, 10_000).jump(since: before) == -3_600_000 + 5)
    }

    @Test("is written down once, whoever notices, and the steady time goes on as before")
    func written() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        // Machines whose clocks go on by an hour while the server's does not: to them it was set back.
        let time = Mutex<Int64>(1_000_000)
        let watches = (0..<2).map { _ in ClockWatch { time.withLock { $0 } } }
        func looks() async throws -> [Int64] {
            var jumps: [Int64] = []
            for watch in watches { jumps.append(try await watch.look(database.connections)) }
            return jumps
        }
        func steady() async throws -> Int64 { try await database.connections.run("SELECT stint.steady_ms()")[0].int(0) }
        #expect(try await looks() == [0, 0])
        let before = try await steady()
        time.withLock { $0 += 3_600_000 }
        let jumps = try await looks()
        // The test itself takes time.
        #expect((-3_600_000 ... -3_000_000).contains(jumps[0]) && jumps[1] == 0)
        #expect(try await steady() >= before + 3_000_000)
        await store.close()
        await database.close()
    }

    @Test(
        "moves deadlines of leases and starts of rates that were written by the wrong clock",
        arguments: [3_600_000, -3_600_000])
    func moved(ahead: Int64) async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(600), worker: "w")
        try await store.configure("q", QueueSettings(rate: .to(Rate(1, per: .seconds(60)))))
        _ = try await store.enqueue([NewJob([], in: "q"), NewJob([], in: "q")])
        let time = Mutex<Int64>(10_000_000)
        let watch = ClockWatch { time.withLock { $0 } }
        #expect(try await watch.look(database.connections) == 0)
        // The other clock is set, and not the server's: to it the server's was set by as much the other way.
        time.withLock { $0 -= ahead }
        let job = try #require(try await store.claim(request).first)
        #expect(try await watch.look(database.connections) != 0)

        let row = try await database.connections.run(
            """
            SELECT deadline - stint.steady_ms(), (SELECT at FROM stint.starts) - stint.steady_ms() FROM stint.leases
            """
        )[0]
        // The test itself takes time, and a start counts at the end of its part of the window.
        #expect((300_000...602_000).contains(try row.int(0)))
        #expect((-300_000...2_000).contains(try row.int(1)))
        #expect(try await store.reap().requeued == 0)
        #expect(try await store.extend([job.lease], by: .seconds(1)).isEmpty)
        #expect(try await store.queue("q")?.startsInWindow == 1)
        await store.close()
        await database.close()
    }
}
