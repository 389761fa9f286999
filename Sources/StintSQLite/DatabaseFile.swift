import CStint
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The file before SQLite opens it: is it there, may it be used, and how it is made.
///
/// Only `stat` and `access` are used on an existing file: opening and closing it would drop the POSIX locks that this
/// process may hold on it through SQLite (https://sqlite.org/howtocorrupt.html, section 2.2).
struct DatabaseFile {
    /// As its user names it.
    let path: String
    /// With the symbolic links at its end followed, as SQLite does: -wal and -shm are beside the file itself, and a link
    /// may lead to a file that is still to be made.
    let target: String

    init(path: String) {
        self.path = path
        target = Self.target(of: path)
    }

    private var folder: String { Self.folder(of: target) }

    private static func folder(of path: String) -> String {
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

    /// Checks the place of a file that is to be made.
    ///
    /// - Throws: `invalidInput` where it exists, `databaseUnusable` where it cannot be made.
    func checkIsNew() throws {
        guard !exists else { throw alreadyExists }
        try check(mayCreate: true)
    }

    /// - Throws: `databaseUnusable`; nothing was written then.
    func check(mayCreate: Bool) throws {
        guard !path.isEmpty, !path.utf8.contains(0), path != ":memory:" else {
            throw unusable("is not a file name: a queue lives in a file, since several processes share it")
        }
        var folderFacts = stat()
        guard stat(folder, &folderFacts) == 0, folderFacts.st_mode & S_IFMT == S_IFDIR else {
            throw unusable("cannot be opened: there is no folder \(quoted(folder)); make it first")
        }
        try refuseNetworkFileSystem()
        try refusePlantedFiles()
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            if errno == EACCES {
                throw unusable("cannot be reached: a folder on the way to it may not be entered by this user")
            }
            guard errno == ENOENT else { throw unusable("cannot be reached: \(systemError())") }
            guard mayCreate else {
                throw unusable("does not exist; `stint put` makes it, or name another with --db or STINT_DB")
            }
            try refuseOrphanedLog()
            try requireWritableFolder()
            return
        }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw unusable("is not a regular file; name a file") }
        guard facts.st_size > 0 else {
            throw unusable(
                "is empty (0 bytes), perhaps what an interrupted copy left: remove it, and Stint makes a new one, "
                    + "or restore a backup")
        }
        guard access(path, R_OK | W_OK) == 0 else {
            throw unusable("may not be read and written by this user; change its owner or its permissions")
        }
        try requireWritableFolder()
    }

    /// In bytes; 0 where there is none.
    var size: Int {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    var exists: Bool { access(path, F_OK) == 0 }

    /// Makes the file whole or not at all: `build` fills a temporary file beside it, which then gets the name. Nobody
    /// ever sees a half-made database, and of two processes that make it at once one wins and both use the winner's.
    ///
    /// - Throws: `databaseUnusable` where it cannot be made, and, where another's will not do, `invalidInput`.
    func create(orUseAnothers: Bool, _ build: (_ temporary: String) throws -> Void) throws {
        let temporary = "\(target).new-\(getpid())-\(UInt32.random(in: .min ... .max))"
        // 0600 before SQLite sees it; SQLite gives -wal and -shm the same mode. A job's payload is nobody else's business.
        let descriptor = open(temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unusable("cannot be made: \(systemError())") }
        close(descriptor)
        defer {
            for suffix in ["", "-wal", "-shm", "-journal"] { unlink(temporary + suffix) }
        }
        try build(temporary)
        if link(temporary, target) == 0 { return syncFolder() }
        guard errno == EEXIST else { throw unusable("cannot be made: \(systemError())") }
        guard orUseAnothers else { throw alreadyExists }
    }

    /// The name is on disk before there can be a log, which without its database would be in the way of a new one. Where a
    /// file system knows no such sync, SQLite goes on too.
    private func syncFolder() {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// SQLite would take the log of a database that was removed for that of a new one with its name, and so mix the two.
    private func refuseOrphanedLog() throws {
        for suffix in ["-wal", "-journal"] {
            var facts = stat()
            // Looked at first: whoever makes the database at this moment makes its log after it.
            guard stat(target + suffix, &facts) == 0, facts.st_size > 0, access(target, F_OK) != 0 else { continue }
            throw unusable(
                "is gone, and what it had not taken over yet is still in \(quoted(target + suffix)): put the database back "
                    + "in its place, or remove that file too")
        }
    }

    private func requireWritableFolder() throws {
        guard access(folder, W_OK | X_OK) == 0 else {
            throw unusable(
                "is in the folder \(quoted(folder)), which this user may not write to: SQLite keeps -wal and -shm files "
                    + "there, so make it writable")
        }
    }

    /// SQLite follows no symbolic link there, but it reads a named pipe for ever, and of the rest it says what is wrong
    /// only in part.
    private func refusePlantedFiles() throws {
        for suffix in ["-journal", "-wal", "-shm"] {
            var facts = stat()
            guard lstat(target + suffix, &facts) == 0, facts.st_mode & S_IFMT != S_IFREG else { continue }
            throw unusable(
                "has \(quoted(target + suffix)) beside it, where SQLite keeps a file of its own, and that is no regular file: "
                    + "see who made it, and remove it")
        }
    }

    /// WAL needs memory shared by all processes that use the file, so none of them may be on another machine.
    private func refuseNetworkFileSystem() throws {
        #if os(Linux)
            // linux/magic.h, and cifs, smb2 and ceph of their own headers
            let remote: [UInt32: String] = [
                0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB2", 0x5346_414F: "AFS",
                0x7375_7245: "Coda", 0x00C3_6400: "Ceph", 0x564C: "NCP", 0x0BD0_0BD0: "Lustre",
            ]
            if let name = remote[UInt32(truncatingIfNeeded: stint_file_system_type(folder))] {
                throw unusable(
                    "is on a network file system (\(name)); put it on a local disk, since SQLite's log needs shared memory"
                )
            }
        #elseif canImport(Darwin)
            var facts = statfs()
            guard statfs(folder, &facts) == 0 else { return }
            if facts.f_flags & UInt32(MNT_LOCAL) == 0 {
                throw unusable(
                    "is on a network file system; put it on a local disk, since SQLite's log needs shared memory")
            }
        #endif
    }

    private var alreadyExists: StintError {
        .invalidInput("\(quoted(path)) exists and is not overwritten; name a new file")
    }

    private func unusable(_ why: String) -> StintError {
        StintError(.databaseUnusable, "the database \(quoted(path)) \(why)")
    }

    private func systemError() -> String { String(cString: strerror(errno)) }
}
