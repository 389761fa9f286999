import StintCore
import StintSQLite

extension ScriptedWorkload {
    /// Opens, uses and closes the file of an earlier Stint.
    func migrate() async throws {
        // What the migration did is on disk with the first change that is answered; until then it can be done again.
        var old: SQLiteStore? = try await step("open a database of schema 1", isPromised: false) { try open("old.db") }
        if let old {
            _ = try await step("reap a lease of an earlier boot") { try await old.reap() }
            let held = Lease(job: JobID(rawValue: 3), token: FencingToken(rawValue: 21))
            _ = try await step("ack a job of before the migration") {
                try await old.settle(Settlement(held, .ack))
            }
        }
        try await step("close the migrated database") {
            old = nil
            try await awaitClosing(of: path("old.db"))
        }
    }
}
