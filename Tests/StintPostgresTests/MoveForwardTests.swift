import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: what goes along with a move, and what follows it")
struct MoveForwardTests {
    @Test("jobs that were enqueued after the move have their keys, and change no more when they are forwarded")
    func forwarding() async throws {
        let place = try await MovingPlace()
        let moved = try await place.enqueue(JobOptions(uniqueKey: "k"))
        try await place.commit()
        let digest = JobOptions(uniqueKey: "k", onConflict: .collect)
        let first = try await place.enqueue(digest)
        #expect(try await place.enqueue(digest) == first)
        for _ in 0..<2 {
            let changes = try await place.mover.notedChanges(limit: 9)
            #expect(changes.ids == [first])
            #expect(changes.jobs.map(\.record.uniqueKey) == ["k"] && changes.jobs.map(\.events?.count) == [2])
        }
        let changes = try await place.mover.notedChanges(limit: 9)
        // It is being forwarded, so this is another one.
        let second = try await place.enqueue(digest)
        #expect(second != first)
        try await place.mover.removeForwarded([first], notes: changes.notes)
        #expect(try await MovingPlace.jobs(of: place.mover).map(\.id) == [moved, second])
        let rest = try await place.mover.notedChanges(limit: 9)
        #expect(rest.ids == [second] && rest.jobs.map(\.record.uniqueKey) == ["k"])
        try await place.mover.removeForwarded([second], notes: rest.notes)
        #expect(try await place.mover.notedChanges(limit: 9).notes.isEmpty)
        #expect(try await place.mover.stats().map(\.ready) == [1])
        #expect(
            try await place.sql("SELECT (SELECT count(*) FROM stint.events) + (SELECT count(*) FROM stint.digests)")[0]
                .int(0) == 0)
        await place.close()
    }

    @Test("only after the move are jobs removed as forwarded")
    func tooEarly() async throws {
        let place = try await MovingPlace()
        let id = try await place.enqueue()
        try await place.mover.beginMove(place.move, to: MovingPlace.peer)
        await place.expect(.invalidInput, "a removal") { try await place.mover.removeForwarded([id], notes: []) }
        #expect(try await place.store.job(id) != nil)
        await place.close()
    }

    @Test("a job is forwarded once, also if several do it at the same time")
    func once() async throws {
        let place = try await MovingPlace()
        let job = try NewJob([1], in: "q")
        let all = (1...20).map { ForwardedJob(id: JobID(rawValue: $0), jobs: $0 == 7 ? [job, job] : [job]) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in [all, Array(all.reversed()), Array(all.prefix(10)), Array(all.suffix(12))] {
                group.addTask { try await place.store.enqueueForwarded(part, of: place.move) }
                group.addTask { try await place.mover.enqueueForwarded(part, of: place.move) }
            }
            try await group.waitForAll()
        }
        #expect(try await place.store.stats().map(\.ready) == [21])
        try await place.store.enqueueForwarded([all[3]], of: MoveID("another"))
        #expect(try await place.store.stats().map(\.ready) == [22])
        await place.close()
    }

    @Test("tokens are greater than those of the other database")
    func tokens() async throws {
        let place = try await MovingPlace()
        try await place.enqueue()
        let none = try await place.mover.greatestToken()
        let granted = try await place.claim()[0].lease.token
        #expect(none.rawValue < granted.rawValue)
        #expect(try await place.mover.greatestToken() == granted)
        // As of a server that has failed over, and the same or a smaller one again.
        for token in [granted.rawValue + 5, granted.rawValue + 5, 3, granted.rawValue + 7 << 40] {
            try await place.mover.raiseTokens(above: FencingToken(rawValue: token))
            let id = try await place.enqueue()
            let next = try await place.claim()[0].lease
            #expect(next.job == id && next.token.rawValue > token)
        }
        await place.close()
    }

    @Test("the first token of a new database is greater than one")
    func firstToken() async throws {
        let place = try await MovingPlace()
        try await place.mover.raiseTokens(above: FencingToken(rawValue: 1))
        try await place.enqueue()
        #expect(try await place.claim()[0].lease.token.rawValue > 1)
        await place.close()
    }

    @Test("idempotency keys go along in parts, in the order of queues and keys")
    func idempotencyKeys() async throws {
        let place = try await MovingPlace()
        let target = try await MovingPlace()
        for (queue, key) in [("q", "b"), ("q", "a"), ("B", "z"), ("a", "é"), ("q", "a b")] {
            try await place.enqueue(JobOptions(idempotencyKey: key), in: QueueName(queue))
        }
        var (keys, last): ([IdempotencyKeyRecord], IdempotencyKeyRecord?) = ([], nil)
        while case let page = try await place.mover.idempotencyKeys(after: last, limit: 2), !page.isEmpty {
            keys += page
            last = page.last
        }
        #expect(keys.map { "\($0.queue) \($0.key)" } == ["B z", "a é", "q a", "q a b", "q b"])
        for _ in 0..<2 { try await target.mover.addIdempotencyKeys(keys) }
        #expect(try await target.mover.idempotencyKeys(after: nil, limit: 99) == keys)
        let answer = try await target.store.enqueue([NewJob([1], in: "q", options: JobOptions(idempotencyKey: "a"))])
        #expect(answer == [Enqueued(id: keys[2].job, outcome: .duplicate)])
        await target.close()
        await place.close()
    }

    @Test("a job that arrives takes its unique key from another, which goes without a trace")
    func keyHolder() async throws {
        let place = try await MovingPlace()
        let target = try await MovingPlace()
        let first = try await place.enqueue(JobOptions(uniqueKey: "k", group: "g", expires: .milliseconds(1)))
        let bystander = try await place.enqueue()
        try await target.mover.replaceJobs([], with: MovingPlace.jobs(of: place.store))
        place.clock.advance(by: .milliseconds(2))
        let second = try await place.enqueue(JobOptions(uniqueKey: "k"))
        let jobs = try await MovingPlace.jobs(of: place.store).filter { $0.id == second }
        for _ in 0..<2 { try await target.mover.replaceJobs([second], with: jobs) }
        let arrived = try await MovingPlace.jobs(of: target.mover)
        #expect(arrived.map(\.id) == [bystander, second] && arrived.last?.record.uniqueKey == "k")
        #expect(try await target.mover.stats().map(\.ready) == [2])
        #expect(first != second)
        let activity = try await target.mover.activity(of: nil, last: .seconds(60))
        #expect(activity.map(\.total.enqueued) == [2])
        await target.close()
        await place.close()
    }
}
