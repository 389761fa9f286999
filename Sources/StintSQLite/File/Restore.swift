import GRDB
import StintCore
import StintPlatform

/// Replaces a database with a backup; see ``SQLiteStore/restore(_:to:options:)``.
struct Restore {
    /// How far behind those of a backup ids continue if those that were given out since then are not known.
    static let unknownIDs: Int64 = 1_000_000_000

    let source: DatabaseFile
    let target: DatabaseFile
    let options: SQLiteStore.Options

    func run() throws -> SQLiteStore.Restoration {
        try checkFiles()
        return try target.withTemporaryFile(permissions: permissions) { temporary in
            try copy(to: temporary)
            let new = try connect(to: DatabaseFile(path: temporary))
            try SQLiteStore.install(on: new, options, mayInstall: false)
            return try ReplacedDatabase(file: target, options: options).whileLocked { lastIDs in
                let (jobs, released) = try new.runBlocking { try makeFresh($0, after: lastIDs) }
                // This writes its log into it, and leaves nothing beside it.
                try translatingErrors(of: temporary) { try new.database.close() }
                let aside = try FileExchange(target: target, replacement: temporary).run()
                return SQLiteStore.Restoration(
                    jobs: jobs, released: released, keptAside: aside, isOldOneRead: lastIDs != nil)
            }
        }
    }

    // MARK: - Before anything is written

    private func checkFiles() throws {
        var facts = stat()
        guard stat(source.path, &facts) == 0 else {
            throw StintError.invalidInput("the backup \(quoted(source.path)) cannot be read: \(systemError())")
        }
        guard facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0, access(source.path, R_OK) == 0 else {
            throw StintError.invalidInput(
                "the backup \(quoted(source.path)) is empty, or no regular file, or may not be read by this user")
        }
        guard FileIdentity(of: source.path) != FileIdentity(of: target.path) else {
            throw StintError.invalidInput(
                "\(quoted(source.path)) is the database itself: name a backup, and another file to restore it to")
        }
        // The target may be what an earlier restore did not finish.
        try target.checkPlace(allowsFUSE: options.allowsFUSE, isRestore: true)
        guard try !target.isThere() || isRegular(target.path) else {
            throw target.unusable("is not a regular file; name a file")
        }
        guard access(target.folder, W_OK | X_OK) == 0 else {
            throw target.unusable("is in a folder that this user may not write to: \(systemError())")
        }
    }

    private func isRegular(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    /// The permissions of the database that is replaced.
    private var permissions: UInt32 {
        var facts = stat()
        return stat(target.target, &facts) == 0 ? UInt32(facts.st_mode & 0o666) : options.permissions
    }

    // MARK: - The new database

    private func connect(to file: DatabaseFile, _ access: DatabaseFile.Access = .full) throws -> Connection {
        try SQLiteStore.connect(file, file.path, "restore", options, readOnly: access != .full, access: access)
    }

    private func copy(to temporary: String) throws {
        // A backup without a log is only read, so it may be on a medium that cannot be written to.
        let hasLog = source.logSize > 0 || DatabaseFile(path: source.target + "-journal").size > 0
        if hasLog { try WALOrigin(file: source).check() }
        let backup = try connect(to: source, hasLog ? .full : .immutable)
        try backup.runBlocking { backup in
            try Schema(file: source.path, mayInstall: true, migrations: options.migrations).checkIsStint(backup)
            try translatingErrors(of: temporary) {
                let copy = try DatabaseQueue(path: temporary)
                try copy.writeWithoutTransaction { copy in
                    try backup.backup(to: copy)
                    let answer = try String.fetchAll(copy, sql: "PRAGMA integrity_check(3)")
                    guard answer == ["ok"] else {
                        throw StintError(
                            .databaseUnusable,
                            "the backup \(quoted(source.path)) is corrupt (\(answer.joined(separator: "; "))): use another one"
                        )
                    }
                }
                try copy.close()
            }
        }
    }

    /// Releases all leases, moves the ids past those given out before, and gives the file a mark of its own.
    private func makeFresh(
        _ database: Database, after old: ReplacedDatabase.LastIDs?
    ) throws -> (jobs: Int, released: Int) {
        let result = try JobTransaction.run(database, SystemClock()) { transaction in
            let held = try transaction.statement("SELECT job_id, token FROM stint_leased").rows { row in
                Lease(job: JobID(rawValue: row.int(0)), token: FencingToken(rawValue: row.int(1)))
            }
            for start in stride(from: 0, to: held.count, by: 1_000) {
                _ = try transaction.settle(
                    held[start..<min(start + 1_000, held.count)].map {
                        Settlement($0, .release(after: .zero))
                    })
            }
            try database.execute(sql: "DELETE FROM stint_workers; DELETE FROM stint_leases WHERE jobs = 0")
            try continueIDs(database, after: old)
            try FileMark.makeOwn(database)
            let jobs = try Int.fetchOne(database, sql: "SELECT count(*) FROM stint_jobs") ?? 0
            return (jobs, held.count)
        }
        return result.value
    }

    private func continueIDs(_ database: Database, after old: ReplacedDatabase.LastIDs?) throws {
        let copied = try ReplacedDatabase.LastIDs(of: database)
        // A database that was made in the place of a lost one knows nothing of the ids that the lost one gave out.
        let isSame = old.map { $0.origin == copied.origin } ?? false
        for table in ReplacedDatabase.tables {
            let last = max(copied.byTable[table] ?? 0, old?.byTable[table] ?? 0)
            let next = isSame ? last : last + Self.unknownIDs
            try database.execute(sql: "DELETE FROM sqlite_sequence WHERE name = ?", arguments: [table])
            try database.execute(
                sql: "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", arguments: [table, next])
        }
    }
}
