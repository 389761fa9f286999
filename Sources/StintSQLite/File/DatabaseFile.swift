import CStint
import StintCore
import StintPlatform

/// The file before SQLite opens it: does it exist, and may it be used? How it is created is in
/// DatabaseFile+Create.swift.
///
/// Only `stat` and `access` are used on an existing file: opening and closing it would drop the POSIX locks that this
/// process may hold on it through SQLite (https://sqlite.org/howtocorrupt.html, section 2.2).
struct DatabaseFile {
    /// The path that the user gave.
    let path: String
    /// The path with the symbolic links at its end followed, as SQLite does. All other files are beside this one, and a
    /// link may lead to a file that does not exist yet.
    let target: String

    /// What SQLite keeps beside a database.
    static let suffixesOfSQLite = ["-wal", "-shm", "-journal"]

    init(path: String) {
        self.path = path
        target = Self.target(of: path)
    }

    var folder: String { Self.folder(of: target) }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func target(of path: String) -> String {
        var path = path
        for _ in 0..<40 {  // as many as Linux follows
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(path, &buffer, buffer.count)
            guard count > 0 else { return path }
            let link = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
            path = link.hasPrefix("/") ? link : "\(folder(of: path))/\(link)"
        }
        return path
    }

    /// SQLite's write-ahead log.
    var log: String { target + "-wal" }

    /// In bytes; 0 if there is none.
    var logSize: Int { Self.size(of: log) }

    /// In bytes; 0 if there is none.
    var size: Int { Self.size(of: target) }

    private static func size(of path: String) -> Int {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    var exists: Bool { access(target, F_OK) == 0 }

    // MARK: - May it be used?

    /// Checks the place of a file that will be created.
    ///
    /// - Throws: `invalidInput` if it exists, `databaseUnusable` if it cannot be created.
    func checkIsNew() throws {
        guard !exists else { throw alreadyExists }
        try check(mayCreate: true)
    }

    /// - Parameter allowsFUSE: See ``SQLiteStore/Options/allowsFUSE``.
    /// - Throws: `databaseUnusable`; nothing was written then.
    func check(mayCreate: Bool, allowsFUSE: Bool = false) throws {
        try checkPlace(allowsFUSE: allowsFUSE)
        guard try isThere() else {
            guard mayCreate else {
                throw unusable("does not exist: create it, or name another one", advice: .createDatabase)
            }
            try refuseOrphanedLog()
            return try requireWritableFolder()
        }
        try checkKind()
        guard access(path, R_OK | W_OK) == 0 else {
            guard errno != EROFS else { throw readOnlyFileSystem }
            throw unusable("may not be read and written by this user; change its owner or its permissions")
        }
        try requireWritableFolder()
    }

    /// Checks the name, the folder and the file system.
    func checkPlace(allowsFUSE: Bool, isRestore: Bool = false) throws {
        guard !path.isEmpty, !path.utf8.contains(0), path != ":memory:" else {
            throw unusable("is not a file name: a queue lives in a file, since several processes share it")
        }
        var folderFacts = stat()
        guard stat(folder, &folderFacts) == 0, folderFacts.st_mode & S_IFMT == S_IFDIR else {
            throw unusable("cannot be opened: there is no folder \(quoted(folder)); make it first")
        }
        try refuseRemoteFileSystem(allowsFUSE: allowsFUSE)
        try refusePlantedFiles()
        if !isRestore { try refuseDuringRestore() }
        try refuseMountedFiles(folder: folderFacts)
    }

    func isThere() throws -> Bool {
        var facts = stat()
        if stat(path, &facts) == 0 { return true }
        switch errno {
        case ENOENT: return false
        case EACCES: throw unusable("cannot be reached: a folder on the way to it may not be entered by this user")
        default: throw unusable("cannot be reached: \(systemError())")
        }
    }

    /// Checks a file that exists.
    func checkKind() throws {
        var facts = stat()
        guard stat(path, &facts) == 0 else { throw unusable("cannot be reached: \(systemError())") }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw unusable("is not a regular file; name a file") }
        guard facts.st_size > 0 else {
            throw unusable(
                "is empty (0 bytes), perhaps what an interrupted copy left: restore a backup (`stint restore`), or remove "
                    + "it, and Stint makes a new one")
        }
        try refuseSecondName()
    }

    /// SQLite would take the log of a database that was removed for that of a new one with its name, and so mix the
    /// two.
    private func refuseOrphanedLog() throws {
        for suffix in ["-wal", "-journal"] {
            var facts = stat()
            // The log is checked first: a process that is just creating the database creates its log after it.
            guard stat(target + suffix, &facts) == 0, facts.st_size > 0, access(target, F_OK) != 0 else { continue }
            throw unusable(
                "is missing, but its log \(quoted(target + suffix)) may still hold committed data: put the database back in "
                    + "its place; or restore a backup (`stint restore`), which keeps that file aside; or delete the log to "
                    + "start empty")
        }
    }

    private func requireWritableFolder() throws {
        guard access(folder, W_OK | X_OK) == 0 else {
            guard errno != EROFS else { throw readOnlyFileSystem }
            throw unusable(
                "is in the folder \(quoted(folder)), which this user may not write to: SQLite keeps -wal and -shm files "
                    + "there, so make it writable")
        }
    }

    private var readOnlyFileSystem: StintError {
        unusable(
            "is on a file system that is mounted read-only: commands that only read work there, this one needs to write; "
                + "mount it for writing, or copy the database to another disk")
    }

    // MARK: - Errors

    var alreadyExists: StintError {
        .invalidInput("\(quoted(path)) exists and is not overwritten; name a new file")
    }

    func unusable(_ why: String, advice: StintError.Advice? = nil) -> StintError {
        StintError(.databaseUnusable, "the database \(quoted(path)) \(why)", advice: advice)
    }
}
