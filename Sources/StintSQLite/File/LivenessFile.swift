import StintCore
import StintPlatform

/// A file beside the database that its process keeps locked (flock(2)) as long as it lives.
///
/// The kernel frees the lock at the end of the process and not before, and shows it to all processes that see the file,
/// whatever their pid, mount and time namespaces: a free lock proves a death. The file contains its own inode, so that
/// an unlocked copy proves nothing.
///
/// It is created under another name and gets its own when it is locked, so it is never visible without its lock.
struct LivenessFile: Sendable {
    static let suffixOfNew = "-new"
    private static let attempts = 10

    let descriptor: Int32
    let path: String

    /// - Parameters:
    ///   - database: Its owner and permissions are the file's too.
    ///   - content: The first contents of the file, as 64-bit words, from the file's inode.
    /// - Returns: `nil` if it cannot be created or locked; then nothing is left of it.
    init?(_ path: String, like database: String, content: (_ inode: UInt64) -> [UInt64]) {
        // While it has no name of its own yet, a sweep of another process may lock it or remove it.
        for _ in 1...Self.attempts {
            guard let file = Self.make(path, like: database, content) else { continue }
            descriptor = file
            self.path = path
            return
        }
        return nil
    }

    private static func make(_ path: String, like database: String, _ content: (UInt64) -> [UInt64]) -> Int32? {
        let new = path + suffixOfNew
        unlink(new)
        guard let file = LockFile.make(new, like: database) else { return nil }
        if flock(file, LOCK_EX | LOCK_NB) == 0, let inode = inode(of: file) {
            // If the disk is full, the lock alone must be enough.
            let bytes = content(inode).withUnsafeBytes { Array($0) }
            if write(file, bytes, bytes.count) != bytes.count { _ = ftruncate(file, 0) }
            if rename(new, path) == 0 { return file }
        }
        unlink(new)
        StintPlatform.close(file)
        return nil
    }

    /// Ends it in an orderly way: the file is removed.
    func remove() {
        unlink(path)
        StintPlatform.close(descriptor)
    }

    /// Acts like the kernel when the process dies: the lock is free, and the file stays. For tests.
    func abandon() { StintPlatform.close(descriptor) }

    // MARK: - Another process's

    /// - Parameter isSound: Whether the file is the one that was created, by its words and its inode. A free lock on
    ///   any other file proves nothing.
    static func liveness(of path: String, isSound: (_ words: [UInt64], _ inode: UInt64) -> Bool) -> Liveness {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return .unknown }
        defer { close(file) }
        if flock(file, LOCK_SH | LOCK_NB) != 0 { return errno == EWOULDBLOCK ? .alive : .unknown }
        guard let inode = inode(of: file) else { return .unknown }
        var words = [UInt64](repeating: 0, count: 8)
        let count = words.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        return isSound(Array(words.prefix(max(0, count) / 8)), inode) ? .dead : .unknown
    }

    static func inode(of file: Int32) -> UInt64? {
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt64(facts.st_ino)
    }
}
