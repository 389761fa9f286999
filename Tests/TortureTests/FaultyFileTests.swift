import CFaults
import GRDB
import GRDBSQLite
import Testing

/// The VFS is the whole process's, so other tests do not use it.
@Suite("The faulty file system", .serialized)
struct FaultyFileTests {
    private static let writes = FAULTS_WRITE | FAULTS_SYNC | FAULTS_TRUNCATE

    private func withDatabase(_ body: (DatabaseQueue, String) throws -> Void) throws {
        try #require(faults_install() == SQLITE_OK)
        let folder = try TemporaryFolder()
        faults_only(folder.path)
        defer {
            faults_lift()
            faults_only(nil)
        }
        var configuration = Configuration()
        configuration.journalMode = .wal
        let database = try DatabaseQueue(path: folder.database, configuration: configuration)
        try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL; CREATE TABLE t (a)")
        }
        try body(database, folder.database)
    }

    private func insert(_ database: DatabaseQueue, _ number: Int) throws {
        try database.write { try $0.execute(sql: "INSERT INTO t VALUES (?)", arguments: [number]) }
    }

    private func numbers(_ database: DatabaseQueue) throws -> [Int] {
        try database.read { try Int.fetchAll($0, sql: "SELECT a FROM t ORDER BY rowid") }
    }

    @Test("counts the steps of every connection, and no reads")
    func counts() throws {
        try withDatabase { database, path in
            let before = faults_steps()
            try insert(database, 1)
            #expect(faults_steps() > before)
            let between = faults_steps()
            let other = try DatabaseQueue(path: path)
            try insert(other, 2)
            #expect(faults_steps() > between)
            #expect(try numbers(database) == [1, 2])
        }
    }

    @Test(
        "fails the calls that it is told to, and those only",
        arguments: [
            (FAULTS_WRITE, FAULTS_LOG, SQLITE_FULL), (FAULTS_SYNC, FAULTS_LOG, SQLITE_IOERR | 4 << 8),
            (FAULTS_SHM_LOCK, FAULTS_DATABASE, SQLITE_IOERR | 20 << 8),
        ])
    func fails(kind: UInt32, file: UInt32, code: Int32) throws {
        try withDatabase { database, _ in
            try insert(database, 1)
            faults_fail(
                faults_failure(kinds: kind, files: file, code: code, from: 1, count: 1, torn: kind == FAULTS_WRITE))
            let error = #expect(throws: DatabaseError.self) { try insert(database, 2) }
            #expect(error?.extendedResultCode.rawValue == code)
            #expect(faults_failed() == 1 && faults_matched() >= 1)
            try insert(database, 3)
            #expect(faults_failed() == 1)

            faults_fail(faults_failure(kinds: kind, files: file, code: code, from: 1, count: -1, torn: false))
            for number in 4...5 { #expect(throws: DatabaseError.self) { try insert(database, number) } }
            faults_lift()
            try insert(database, 6)
            #expect(try numbers(database) == [1, 3, 6])
        }
    }

    @Test("records what was written, in order, and what was synced")
    func records() throws {
        try withDatabase { database, path in
            faults_record(true)
            try insert(database, 1)
            faults_mark(7)
            faults_record(false)
            let events = (0..<faults_event_count()).map { faults_event_at($0) }
            let log = events.filter { $0.path.map { String(cString: $0) } == path + "-wal" }
            #expect(log.count == events.count - 1 && events.last?.kind == FAULTS_MARK && events.last?.offset == 7)
            let lastSync = try #require(events.last { $0.kind == FAULTS_SYNC })
            let lastWrite = try #require(events.lastIndex { $0.kind == FAULTS_WRITE })
            #expect(lastSync.offset == lastWrite + 1)
            // A frame of the log: 24 bytes and a page.
            #expect(events.filter { $0.kind == FAULTS_WRITE }.map(\.count).suffix(2) == [24, 4_096])
        }
    }
}
