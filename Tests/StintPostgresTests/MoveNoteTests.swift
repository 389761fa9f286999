import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: while the jobs are moved, every change of one is noted")
struct MoveNoteTests {
    private static let limit = ConcurrencyLimit(4)

    /// As jobs arrive, whatever they are there.
    ///
    /// - Parameter leased: Those that were released on their way, at a time that is not compared.
    private static func arrived(_ jobs: [StoredJob], leased: Set<JobID>) -> [JobID: StoredJob] {
        let jobs = jobs.map { job in
            var job = job.released(at: 0)
            if leased.contains(job.id) { job.readyAt = 0 }
            return job
        }
        return Dictionary(jobs.map { ($0.id, $0) }) { $1 }
    }

    @Test("after each verb the jobs that it changed are noted, and arrive as they are", arguments: MovingVerb.all)
    func verb(_ verb: MovingVerb) async throws {
        try await Self.limit.run {
            let place = try await MovingPlace()
            let target = try await MovingPlace.mover(of: PostgresCluster.shared.database(), place.clock)
            try await target.beginArrival(place.move, from: "here")
            let run = try await verb.prepare(place)
            try await place.setTime()

            try await place.mover.beginMove(place.move, to: MovingPlace.peer)
            let before = try await MovingPlace.jobs(of: place.store)
            try await target.replaceJobs([], with: before)
            #expect(try await place.mover.notedChanges(limit: 9).notes.isEmpty)

            try await run()
            let after = try await MovingPlace.jobs(of: place.store)
            let leased = Set((before + after).filter { $0.record.state == .leased }.map(\.id))
            let (old, new) = (Self.arrived(before, leased: []), Self.arrived(after, leased: []))
            let changed = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
            #expect(verb.changesJobs == !changed.isEmpty)
            let noted = try await place.drain(to: target)
            #expect(changed.subtracting(noted).isEmpty, "\(changed) has changed, and \(noted) was noted")
            let there = try await MovingPlace.jobs(of: target)
            #expect(Self.arrived(there, leased: leased) == Self.arrived(after, leased: leased))
            // What arrived is counted once.
            for queue in try await target.stats() {
                let its = after.filter { $0.record.queue == queue.name }.map { $0.released(at: 0).record.state }
                #expect(queue.ready == its.count { $0 == .ready } && queue.delayed == its.count { $0 == .delayed })
                #expect(queue.buried == its.count { $0 == .buried } && queue.done == its.count { $0 == .done })
            }
            await target.close()
            await place.close()
        }
    }

    @Test("notes are read in parts, and those that come meanwhile stay")
    func parts() async throws {
        let place = try await MovingPlace()
        try await place.mover.beginMove(place.move, to: MovingPlace.peer)
        #expect(
            try await place.mover.moveState(.out)
                == MoveState(move: place.move, phase: .copying, peer: MovingPlace.peer))
        let ids = [try await place.enqueue(), try await place.enqueue()]
        let all = try await place.mover.notedChanges(limit: 100)
        #expect(Set(all.ids) == Set(ids) && all.jobs.map(\.id) == ids)
        let first = try await place.mover.notedChanges(limit: 1)
        #expect(first.notes == [all.notes[0]] && first.ids == [all.ids[0]])
        try await place.store.delete([ids[0]])
        try await place.mover.removeNotes(all.notes)
        let rest = try await place.mover.notedChanges(limit: 100)
        #expect(rest.ids == [ids[0]] && rest.jobs.isEmpty && !rest.notes.isEmpty)
        // Again, or by another.
        try await place.mover.beginMove(place.move, to: MovingPlace.peer)
        await place.expect(.invalidInput, "another move") {
            try await place.mover.beginMove(MoveID("other"), to: "elsewhere")
        }
        try await place.mover.abandonMove(place.move)
        #expect(try await place.mover.moveState(.out) == nil)
        try await place.enqueue()
        #expect(try await place.mover.notedChanges(limit: 100).notes.isEmpty)
        #expect(try await place.sql("SELECT 1 FROM pg_trigger WHERE tgname LIKE 'move%'").isEmpty)
        await place.close()
    }

    @Test("large payloads are read in parts")
    func largePayloads() async throws {
        let place = try await MovingPlace()
        try await place.mover.beginMove(place.move, to: MovingPlace.peer)
        let payload = [UInt8](repeating: 1, count: StoredJob.maximumBytes)
        for _ in 0..<2 { try await place.enqueue(payload) }
        #expect(try await place.mover.notedChanges(limit: 100).jobs.count == 1)
        await place.close()
    }

    @Test("a transaction that is open when the move begins is waited for, and others wait at most a second meanwhile")
    func openTransaction() async throws {
        let place = try await MovingPlace()
        try await place.enqueue()
        let begun = try await place.database.connections.transaction { program in
            _ = try await program.run("SELECT stint.enqueue('open', queue => 'q')")
            let begun = Task { try await place.mover.beginMove(place.move, to: MovingPlace.peer) }
            // The mover gives its locks up, and this can write.
            try await eventually("the mover asks for locks again") {
                try await !place.database.administrator.run(
                    "SELECT 1 FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND NOT granted"
                ).isEmpty
            }
            let begin = ContinuousClock.now
            try await place.enqueue()
            #expect(ContinuousClock.now - begin < .seconds(5))
            #expect(try await place.mover.moveState(.out) == nil)
            return begun
        }
        try await begun.value
        #expect(try await place.mover.moveState(.out)?.phase == .copying)
        await place.close()
    }
}

extension MovingPlace {
    @discardableResult
    fileprivate func enqueue(_ payload: [UInt8]) async throws -> JobID {
        try await enqueue(JobOptions(), in: "q", payload)
    }
}
