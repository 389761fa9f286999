import Foundation
import GRDB
import StintCore
import Testing

@testable import StintSQLite

@Suite("A store whose file is taken away")
struct FileWatchTests {
    private func expectLost(
        _ says: String, code: StintError.Code = .databaseUnusable, _ body: () async throws -> Void
    ) async {
        let error = await #expect(throws: StintError.self) { try await body() }
        #expect(
            error?.code == code && error?.description.contains(says) == true,
            "\(String(describing: error))")
    }

    private func remove(_ file: String) throws {
        for suffix in ["", "-wal", "-shm"] { try FileManager.default.removeItem(atPath: file + suffix) }
    }

    @Test("refuses every verb from then on, also when a file is there again")
    func everyVerb() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        try remove(folder.database)
        let says = "was deleted or moved away"
        await expectLost(says) { try await queue.enqueue(payload: [1], in: "q") }
        await expectLost(says) { _ = try await queue.claim() }
        await expectLost(says) { _ = try await queue.store.stats() }
        await expectLost(says) { _ = try await queue.reap() }
        await expectLost(says) { try await queue.store.backup(to: folder.path + "/copy.db") }
        await expectLost(says) { _ = try await queue.store.examine() }
        await expectLost(says) { try queue.store.checkStillThere() }
        let other = try await JobQueue(.sqlite(folder.database))
        #expect(try await other.enqueue(payload: [1], in: "q").id.rawValue == 1)
        await expectLost(says) { try await queue.enqueue(payload: [1], in: "q") }
        // Nothing of the old one comes into the new one.
        #expect(try await other.store.stats().map(\.ready) == [1])
    }

    @Test(
        "does not say of a change whose file goes before the commit is durable whether it was made: a copy may have it",
        arguments: [
            Durability.full, .normal,
        ])
    func whileCommitting(durability: Durability) async throws {
        let folder = try TemporaryFolder()
        let file = folder.database
        let store = try SQLiteStore(path: file, options: .init(durability: durability))
        await expectLost("was deleted or moved away", code: .outcomeUnknown) {
            _ = try await store.write { transaction in
                let answers = try transaction.enqueue([try NewJob([1], in: "q")])
                for suffix in ["", "-wal", "-shm"] { unlink(file + suffix) }
                return answers
            }
        }
    }

    @Test("refuses what an application adds in a transaction of its own")
    func ownTransaction() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0) }
        let application = try DatabaseQueue(path: folder.database, configuration: configuration)
        try remove(folder.database)
        await expectLost("was deleted or moved away") {
            try await application.write { database in
                _ = try queue.enqueue(jobs: [try NewJob([1], in: "q")], with: database)
            }
        }
    }

    @Test("notices that a backup was copied over it in place, or that it was cut, and saves what its log has from it")
    func writtenOver() async throws {
        for isCut in [false, true] {
            let folder = try TemporaryFolder()
            let backup = folder.path + "/backup.db"
            do {
                let queue = try await JobQueue(.sqlite(folder.database))
                try await queue.enqueue(payload: [1], in: "q")
                try await queue.store.backup(to: backup)
                for _ in 0..<20 { try await queue.enqueue(payload: [UInt8](repeating: 2, count: 9_000), in: "q") }
                // In place, as cp does.
                let file = try #require(FileHandle(forUpdatingAtPath: folder.database))
                try file.truncate(atOffset: 0)
                if !isCut { try file.write(contentsOf: try Data(contentsOf: URL(filePath: backup))) }
                // POSIX locks of this process go with it; the test's store ends here anyway.
                try file.close()
                await expectLost("was written over") { try queue.store.checkStillThere() }
                await expectLost("was written over") { try await queue.enqueue(payload: [1], in: "q") }
            }
            if isCut {
                #expect(try Data(contentsOf: URL(filePath: folder.database)).isEmpty)
            } else {
                // Also after the last connection has gone.
                #expect(try Data(contentsOf: URL(filePath: folder.database)) == Data(contentsOf: URL(filePath: backup)))
            }
            let size = try Data(contentsOf: URL(filePath: folder.database + "-wal")).count
            #expect(size > 20 * 9_000)
        }
    }

    @Test("a healthy store stays one: checkpoints, new logs, other processes' changes and a renamed neighbour")
    func healthy() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let other = try await JobQueue(.sqlite(folder.database))
        for round in 0..<20 {
            try await queue.enqueue(payload: [UInt8](repeating: 1, count: 100_000), in: "q")
            try await other.enqueue(payload: [1], in: "q")
            await (round.isMultiple(of: 2) ? queue : other).store.checkpointLog()
            try queue.store.checkStillThere()
        }
        #expect(try await queue.store.stats().map(\.ready) == [40])
    }
}

@Suite("File systems")
struct FileSystemTests {
    @Test(
        "those of several machines are refused by name, local ones are not",
        arguments: [
            (0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2"), (0x0116_1970, "GFS2"),
            (0x7461_636F, "OCFS2"),
            (0x0102_1997, "9p"), (0x00C3_6400, "Ceph"), (0x0BD0_0BD0, "Lustre"), (0x4750_4653, "GPFS"),
            (0x5346_414F, "AFS"),
            (0x6B41_4653, "AFS"), (0x6573_5546, "FUSE"), (0xEF53, nil), (0x5846_5342, nil), (0x9123_683E, nil),
            (0x0102_1994, nil), (0x794C_7630, nil), (-1, nil),
        ] as [(Int, String?)])
    func table(type: Int, name: String?) {
        // As the C library returns it: on some machines the number is negative.
        for type in [type, Int(Int32(truncatingIfNeeded: type))] {
            let reason = DatabaseFile.reasonToRefuse(fileSystem: type, allowsFUSE: false)
            if let name { #expect(reason?.contains(name) == true) } else { #expect(reason == nil) }
        }
    }

    @Test("FUSE is accepted by who says that it is local, and nothing else is")
    func fuse() {
        #expect(
            DatabaseFile.reasonToRefuse(fileSystem: 0x6573_5546, allowsFUSE: false)?.contains("STINT_ALLOW_FUSE")
                == true)
        #expect(DatabaseFile.reasonToRefuse(fileSystem: 0x6573_5546, allowsFUSE: true) == nil)
        #expect(DatabaseFile.reasonToRefuse(fileSystem: 0x6969, allowsFUSE: true) != nil)
    }
}

@Suite("What a process that died while it made a file has left")
struct LeftoverTests {
    private let suffixes = ["", "-db", "-db-wal", "-db-shm", "-db-journal"]

    private func leave(_ name: String, in folder: borrowing TemporaryFolder) throws {
        for suffix in suffixes { try Data([1]).write(to: URL(filePath: "\(folder.path)/\(name)\(suffix)")) }
    }

    private func names(_ folder: borrowing TemporaryFolder) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    }

    @Test("is removed by the next who makes one in that folder; what somebody still makes, and other files, stay")
    func swept() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let before = try names(folder)
        try leave("copy-of-yesterday.db.stint-new-17", in: folder)
        try leave("stint.db.stint-new-18", in: folder)
        try leave("held.db.stint-new-19", in: folder)
        try leave("mine.stint-new-x", in: folder)
        try leave("mine.new-20", in: folder)
        // The lock counts, whatever process and container its creator is in.
        let held = open("\(folder.path)/held.db.stint-new-19", O_RDWR | O_CLOEXEC)
        #expect(held >= 0 && flock(held, LOCK_EX) == 0)
        try await queue.store.backup(to: folder.path + "/copy.db")
        var expected = before.union(["copy.db"])
        for name in ["held.db.stint-new-19", "mine.stint-new-x", "mine.new-20"] {
            expected.formUnion(suffixes.map { name + $0 })
        }
        #expect(try names(folder) == expected)
        close(held)
        try await queue.store.backup(to: folder.path + "/copy-2.db")
        #expect(try !names(folder).contains { $0.contains("stint-new-19") })
    }
}
