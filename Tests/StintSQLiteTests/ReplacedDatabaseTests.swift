import GRDB
import StintCore
import Testing

@testable import StintSQLite

@Suite("A database that is about to be replaced")
struct ReplacedDatabaseTests {
    @Test("nobody writes to it from the look at its last ids until it is replaced, or an id would be given out twice")
    func locked() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        // Another program, which does not wait.
        let other = try DatabaseQueue(path: folder.database)
        func put() throws {
            try other.write { try $0.execute(sql: "INSERT INTO stint_enqueue (queue, payload) VALUES ('q', 'x')") }
        }
        let replaced = ReplacedDatabase(file: DatabaseFile(path: folder.database), options: .init())
        let lastIDs = try replaced.whileLocked { lastIDs in
            let error = #expect(throws: DatabaseError.self) { try put() }
            #expect(error?.resultCode == .SQLITE_BUSY)
            return lastIDs
        }
        #expect(lastIDs?.byTable["stint_jobs"] == 1)
        try put()
        #expect(try await queue.store.stats().map(\.ready) == [2])
    }
}
