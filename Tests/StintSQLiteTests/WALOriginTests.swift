import Foundation
import GRDB
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

/// A database that no process has open, with its log, as after a crash: a copy of files that are in use.
private struct Copy {
    let path: String

    init(_ database: String, log: String, in folder: String) throws {
        let name = "\(folder)/copy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: false)
        path = name + "/stint.db"
        try FileManager.default.copyItem(atPath: database, toPath: path)
        try FileManager.default.copyItem(atPath: log, toPath: path + "-wal")
    }

    var isRefused: Bool {
        get throws {
            do {
                try WALOrigin(file: DatabaseFile(path: path)).check()
                return false
            } catch let error as StintError where error.description.contains("that is not its own") {
                return true
            }
        }
    }

    /// Its contents after SQLite has applied the log.
    var contents: String {
        get throws {
            let database = try DatabaseQueue(path: path)
            return try database.read { database in
                let check = try String.fetchAll(database, sql: "PRAGMA integrity_check").joined()
                let jobs = try String.fetchAll(
                    database, sql: "SELECT id || length(payload) FROM stint_jobs ORDER BY id")
                return check + jobs.joined(separator: ",")
            }
        }
    }
}

@Suite("The log beside a database", .timeLimit(.minutes(5)))
struct WALOriginTests {
    /// Connections that never checkpoint the log by themselves, as programs other than Stint must do.
    private func foreign(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.prepareDatabase {
            try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 30000; PRAGMA synchronous = OFF")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private func job(_ size: Int) throws -> NewJob {
        try NewJob([UInt8](repeating: 7, count: size), in: "q")
    }

    @Test("of a healthy database is never refused, and of another state is refused or does no harm", arguments: 1...6)
    func chance(seed: Int) async throws {
        var chance = SeededGenerator(seed: UInt64(seed))
        let folder = try TemporaryFolder()
        let path = folder.database
        let log = path + "-wal"
        var store: SQLiteStore? = try SQLiteStore(path: path, options: .init(durability: .normal))
        let other = try foreign(path)
        var earlier: [String] = []
        var (refused, unnoticed) = (0, 0)
        for step in 0..<60 {
            switch Int.random(in: 0..<10, using: &chance) {
            case 0...2:
                _ = try await store?.enqueue([job(.random(in: 1...20_000, using: &chance))])
            case 3...4:
                try await other.write { database in
                    try database.execute(sql: "INSERT INTO stint_enqueue (payload) VALUES (randomblob(3000))")
                }
            case 5:
                try await other.write { database in
                    try database.execute(sql: "DELETE FROM stint_jobs WHERE id = (SELECT max(id) FROM stint_jobs)")
                }
            case 6: await store?.checkpointLog()
            case 7:
                // Another process starts, or the store is closed and opened.
                store = nil
                store = try SQLiteStore(path: path, options: .init(durability: .normal))
            case 8:
                let kind = ["PASSIVE", "RESTART", "TRUNCATE"].randomElement(using: &chance)!
                _ = try other.writeWithoutTransaction {
                    try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(\(kind))")
                }
            default: if step % 3 == 0 { try await other.vacuum() }
            }
            let healthy = try Copy(path, log: log, in: folder.path)
            #expect(try !healthy.isRefused, "step \(step)")
            let truth = try healthy.contents
            #expect(truth.hasPrefix("ok"))
            // Copies of the file of earlier, each with the log of now.
            for old in earlier {
                let mixed = try Copy(old, log: log, in: folder.path)
                if try mixed.isRefused {
                    refused += 1
                } else if WALReader.frames(of: log) > 0 {
                    let contents = try mixed.contents
                    // One from the same second, or with a log that proves nothing.
                    if contents != truth { unnoticed += 1 }
                }
            }
            if step % 10 == 0 {
                let copy = "\(folder.path)/earlier-\(step).db"
                try FileManager.default.copyItem(atPath: path, toPath: copy)
                earlier.append(copy)
            }
        }
        print("copies of earlier with the log of now: \(refused) refused, \(unnoticed) not noticed (seed \(seed))")
        #expect(refused > unnoticed)
    }

    /// A database with much in it, and its log with more.
    private func prepare(_ folder: borrowing TemporaryFolder) async throws -> (store: SQLiteStore, backup: String) {
        let store = try SQLiteStore(path: folder.database)
        for _ in 0..<30 { _ = try await store.enqueue([job(3_000)]) }
        let backup = folder.path + "/backup.db"
        try await store.backup(to: backup)
        return (store, backup)
    }

    @Test("a backup of Stint's is told from the database at once, and after any number of checkpoints")
    func backups() async throws {
        let folder = try TemporaryFolder()
        let (store, backup) = try await prepare(folder)
        for _ in 0..<4 {
            #expect(try Copy(backup, log: folder.database + "-wal", in: folder.path).isRefused)
            #expect(try !Copy(folder.database, log: folder.database + "-wal", in: folder.path).isRefused)
            await store.checkpointLog()
            // The first commit of a new log is answered before the log is marked; the second one comes after the mark.
            for _ in 0..<2 { _ = try await store.enqueue([job(100)]) }
        }
    }

    @Test("a copy by VACUUM INTO, whose pages are others, is refused, and so is any other Stint database")
    func otherPages() async throws {
        let folder = try TemporaryFolder()
        let (store, _) = try await prepare(folder)
        let copy = folder.path + "/vacuumed.db"
        try await foreign(folder.database).vacuum(into: copy)
        withExtendedLifetime(store) {}
        #expect(try Copy(copy, log: folder.database + "-wal", in: folder.path).isRefused)
        let another = folder.path + "/another.db"
        do { _ = try SQLiteStore(path: another) }
        #expect(try Copy(another, log: folder.database + "-wal", in: folder.path).isRefused)
    }

    @Test("a log that only other programs have written to is told by SQLite's change counter")
    func foreignLog() async throws {
        let folder = try TemporaryFolder()
        var old: (SQLiteStore, String)? = try await prepare(folder)
        let backup = old!.1
        old = nil
        // The last connection has closed: no log.
        let other = try foreign(folder.database)
        for _ in 0..<3 {
            try await other.write { database in
                for _ in 0..<20 {
                    try database.execute(sql: "INSERT INTO stint_enqueue (payload) VALUES (randomblob(9000))")
                }
            }
            _ = try other.writeWithoutTransaction { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        }
        try await other.write { database in
            try database.execute(sql: "INSERT INTO stint_enqueue (payload) VALUES (randomblob(90000))")
        }
        #expect(try !Copy(folder.database, log: folder.database + "-wal", in: folder.path).isRefused)
        #expect(try Copy(backup, log: folder.database + "-wal", in: folder.path).isRefused)
    }

    @Test("a log with pages of another size is refused, also where nothing else tells it from the database's own")
    func pageSize() async throws {
        let folder = try TemporaryFolder()
        let paths = [4_096, 8_192].map { "\(folder.path)/\($0).db" }
        var databases: [DatabaseQueue] = []
        for (path, size) in zip(paths, [4_096, 8_192]) {
            let database = try foreign(path)
            try await database.writeWithoutTransaction {
                try $0.execute(
                    sql: """
                        PRAGMA page_size = \(size); PRAGMA journal_mode = WAL; CREATE TABLE a (x);
                        INSERT INTO a VALUES (1);
                        """)
            }
            databases.append(database)
        }
        for (path, other) in zip(paths, paths.reversed()) {
            #expect(try !Copy(path, log: path + "-wal", in: folder.path).isRefused)
            #expect(try Copy(path, log: other + "-wal", in: folder.path).isRefused)
        }
        withExtendedLifetime(databases) {}
    }

    @Test("a database that is in use is not kept from a second process, whatever happens to the log meanwhile")
    func inUse() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let store = try SQLiteStore(path: path, options: .init(durability: .normal))
        let writer = Task {
            for number in 0..<400 {
                _ = try await store.enqueue(
                    [try NewJob([UInt8](repeating: 1, count: 20_000), in: "q")])
                if number.isMultiple(of: 20) { await store.checkpointLog() }
            }
        }
        for _ in 0..<40 { try WALOrigin(file: DatabaseFile(path: path)).check() }
        try await writer.value
    }

    @Test("a database that is in use is not judged by a log that has started again since its first page was read")
    func restartedMeanwhile() async throws {
        let folder = try TemporaryFolder()
        let (store, _) = try await prepare(folder)
        let other = try foreign(folder.database)
        func enqueue() throws {
            try other.write { try $0.execute(sql: "INSERT INTO stint_enqueue (payload) VALUES (randomblob(90000))") }
        }
        var origin = WALOrigin(file: DatabaseFile(path: folder.database))
        origin.beforeLogIsRead = {
            for _ in 0..<2 {
                try enqueue()
                _ = try other.writeWithoutTransaction { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(RESTART)") }
            }
            try enqueue()
        }
        try origin.check()
        withExtendedLifetime(store) {}
    }

    @Test("a process that would make a second log, since the first was deleted under others, is refused")
    func deletedLog() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        _ = try await store.enqueue([job(10)])
        try FileManager.default.removeItem(atPath: folder.database + "-wal")
        let error = #expect(throws: StintError.self) { try SQLiteStore(path: folder.database) }
        #expect(error?.code == .databaseUnusable)
        #expect(error?.description.contains("stop those processes first") == true)
    }
}

extension WALReader {
    fileprivate static func frames(of path: String) -> Int {
        guard let log = WALReader(path) else { return 0 }
        defer { log.close() }
        log.readFrames()
        return log.frames
    }
}
