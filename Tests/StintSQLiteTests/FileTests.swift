import Foundation
import GRDB
import StintCore
import StintSQLiteMigrations
import Testing

@testable import StintSQLite

@Suite("The file")
struct FileTests {
    private func refusal(_ path: String, options: SQLiteStore.Options = .init()) throws -> String {
        let error = #expect(throws: StintError.self) { try SQLiteStore(path: path, options: options) }
        #expect(error?.code == .databaseUnusable)
        return try #require(error?.description)
    }

    @Test("an application's database gets the tables, and keeps its own")
    func installsIntoApplication() async throws {
        let folder = try TemporaryFolder()
        let application = try DatabaseQueue(path: folder.database)
        try await application.write { try $0.execute(sql: "CREATE TABLE orders (id); INSERT INTO orders VALUES (1)") }
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        #expect(try await application.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM orders") } == 1)
    }

    @Test("another program's database is refused where it may not be installed into, and is not touched")
    func foreignDatabase() throws {
        let folder = try TemporaryFolder()
        let other = try DatabaseQueue(path: folder.database)
        try other.write { try $0.execute(sql: "CREATE TABLE photos (id)") }
        try other.close()
        let before = try Data(contentsOf: URL(filePath: folder.database))
        #expect(try refusal(folder.database, options: .init(installsIntoOthers: false)).contains("no Stint tables"))
        #expect(try Data(contentsOf: URL(filePath: folder.database)) == before)
    }

    @Test("a file of text, an empty file, a folder, a missing folder: each is told from the others")
    func notADatabase() throws {
        let folder = try TemporaryFolder()
        let text = folder.path + "/text"
        try Data(String(repeating: "This is no database. ", count: 500).utf8).write(to: URL(filePath: text))
        #expect(try refusal(text).contains("is not an SQLite database"))
        let empty = folder.path + "/empty"
        try Data().write(to: URL(filePath: empty))
        #expect(try refusal(empty).contains("is empty (0 bytes)"))
        #expect(try refusal(folder.path).contains("not a regular file"))
        #expect(try refusal(folder.path + "/no/stint.db").contains("there is no folder"))
        #expect(try refusal("").contains("is not a file name"))
        #expect(try refusal(":memory:").contains("is not a file name"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["empty", "text"],
            "something was written")
    }

    @Test("the log of a database that was removed is not taken for a new one's", arguments: ["-wal", "-journal"])
    func orphanedLog(suffix: String) async throws {
        let folder = try TemporaryFolder()
        let log = folder.database + suffix
        try Data("pages of another database".utf8).write(to: URL(filePath: log))
        let message = try refusal(folder.database)
        #expect(message.contains("is missing") && message.contains("\(log)"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["stint.db" + suffix])
        // An empty log does no harm.
        try Data().write(to: URL(filePath: log))
        #expect(try await SQLiteStore(path: folder.database).stats().isEmpty)
    }

    @Test("a database of a newer Stint is refused and not touched")
    func newerSchema() throws {
        let folder = try TemporaryFolder()
        do { _ = try SQLiteStore(path: folder.database) }
        let database = try DatabaseQueue(path: folder.database)
        try database.write {
            try $0.execute(sql: "INSERT INTO stint_migrations VALUES (999, 'v999_future', 'CREATE …', 0)")
        }
        try database.close()
        let before = try Data(contentsOf: URL(filePath: folder.database))
        let known = SQLiteMigrations.all.count
        #expect(try refusal(folder.database).contains("newer Stint (schema \(known + 1), this one knows \(known))"))
        #expect(try Data(contentsOf: URL(filePath: folder.database)) == before)
    }

    @Test("a database whose migration had another text is refused")
    func changedMigration() throws {
        let folder = try TemporaryFolder()
        do { _ = try SQLiteStore(path: folder.database) }
        let database = try DatabaseQueue(path: folder.database)
        try database.write { try $0.execute(sql: "UPDATE stint_migrations SET sql = sql || ' '") }
        try database.close()
        #expect(try refusal(folder.database).contains("another text of the migration v001_jobs"))
    }

    @Test("a corrupt file is told so")
    func corrupt() throws {
        let folder = try TemporaryFolder()
        do { _ = try SQLiteStore(path: folder.database) }
        let file = try #require(FileHandle(forUpdatingAtPath: folder.database))
        try file.seek(toOffset: 100)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 4_000))
        try file.close()
        #expect(try refusal(folder.database).contains("corrupt"))
    }

    @Test("database, log and shared memory are the owner's alone, whatever the umask")
    func permissions() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        for suffix in ["", "-wal", "-shm", "-lock", "-reserve"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.database + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 5, "a file stays behind")
    }

    @Test("every connection has the settings that its rules demand")
    func settings() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        // The writer syncs the log itself, outside the write lock.
        for (connection, synchronous) in try [(store.writer, "1"), (store.reader, "2")] {
            let settings = try await connection.run { database in
                try ["journal_mode", "synchronous", "wal_autocheckpoint", "secure_delete", "mmap_size"].map {
                    try String.fetchOne(database, sql: "PRAGMA \($0)")
                }
            }
            #expect(settings == ["wal", synchronous, "0", "0", "0"])
        }
    }

    @Test("a backup is a database of its own as of one moment, and overwrites nothing")
    func backup() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let id = try await queue.enqueue(payload: [1, 2, 3], in: "q").id
        let copy = folder.path + "/copy.db"
        try await queue.store.backup(to: copy)
        try await queue.enqueue(payload: [4], in: "q")
        let restored = try await JobQueue(.sqlite(copy))
        #expect(try await restored.claim(9).map(\.id) == [id])
        let error = await #expect(throws: StintError.self) { try await queue.store.backup(to: copy) }
        #expect(error?.code == .invalidInput)
    }
}
