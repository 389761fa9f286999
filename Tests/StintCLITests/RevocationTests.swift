import Foundation
import StintCore
import StintSQLite
import TestSupport
import Testing

@Suite("Nothing starts after a pause or a delete has returned", .inOwnFolder, .timeLimit(.minutes(5)))
struct RevocationTests {
    let place = Workplace.ofThisTest

    private func started() throws -> [JobID] {
        try place.lines("started").compactMap { Int64($0) }.map(JobID.init(rawValue:))
    }

    @Test("in worker processes that have claimed ahead, whenever it comes, and all that is left runs once")
    func race() async throws {
        let store = try SQLiteStore(path: place.path("stint.db"))
        let queue = JobQueue(store: store)
        var chance = SeededGenerator(seed: chosenSeed(for: "revocations"))
        let rounds = 12
        let script = "echo $STINT_JOB_ID >> started"
        var deleted: Set<JobID> = []
        let arguments = ["work", "--workers", "2", "--concurrency", "2", "--batch", "16", "--", "sh", "-c", script]
        let outcome = try await place.whileRunning(arguments) { process in
            for round in 0..<rounds {
                let before = try started().count
                try await queue.enqueue(jobs: (0..<40).map { _ in try NewJob([], in: .default) })
                let enough = before + Int.random(in: 1...12, using: &chance)
                try await eventually("some jobs have started") { try started().count >= enough }
                let ids: Set<JobID>
                if round.isMultiple(of: 2) {
                    try await queue.pause(.default)
                    ids = Set(try await store.list(JobFilter(limit: 1_000)).map(\.id))
                } else {
                    ids = try await deleteLeased(store)
                }
                // What was started by then: it is on a scoreboard, or its command has begun.
                let known = Set(try await store.workers().flatMap { $0.started ?? [] }.map(\.lease.job))
                let seen = Set(try started())
                let revoked = ids.subtracting(known).subtracting(seen)
                if round.isMultiple(of: 2) {
                    try await eventually("what was claimed ahead is given back") {
                        try await queue.store.stats().allSatisfy { $0.leased == 0 }
                    }
                    #expect(revoked.isDisjoint(with: try started()), "round \(round)")
                    try await queue.resume(.default)
                } else {
                    deleted.formUnion(revoked)
                }
            }
            try await eventually("all is done") { try await store.stats().allSatisfy { $0.unfinished == 0 } }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome)")
        let all = try started()
        #expect(Set(all).count == all.count && deleted.isDisjoint(with: all))
        #expect(!deleted.isEmpty)
    }

    /// - Returns: Which were deleted; those that are done meanwhile cannot be deleted.
    private func deleteLeased(_ store: SQLiteStore) async throws -> Set<JobID> {
        var deleted: Set<JobID> = []
        for job in try await store.list(JobFilter(state: .leased, limit: 1_000)).reversed() {
            do {
                try await store.delete([job.id])
                deleted.insert(job.id)
            } catch let error as StintError where error.code == .notFound {
                continue
            }
        }
        return deleted
    }
}
