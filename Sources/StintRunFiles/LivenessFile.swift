import StintCore
import StintPlatform

/// A file, beside the database or in a folder of its machine, that its process keeps locked (flock(2)) as long as it lives.
///
/// The kernel frees the lock at the end of the process and not before, and shows it to all processes that see the file,
/// whatever their pid, mount and time namespaces: a free lock proves a death. The file contains its own inode, so that
/// an unlocked copy proves nothing.
///
/// It is created under another name and gets its own when it is locked, so it is never visible without its lock.
package struct LivenessFile: Sendable {
    package static let suffixOfNew = "-new"
    private static let attempts = 10

    package let descriptor: Int32
    let path: String

    /// - Parameters:
    ///   - model: Its owner and permissions are the file's too: those of a database, or of a folder.
    ///   - content: The first contents of the file, as 64-bit words, from the file's inode.
    /// - Returns: `nil` if it cannot be created or locked; then nothing is left of it.
    package init?(_ path: String, like model: String, content: (_ inode: UInt64) -> [UInt64]) {
        // While it has no name of its own yet, a sweep of another process may lock it or remove it.
        for _ in 1...Self.attempts {
            guard let file = Self.make(path, like: model, content) else { continue }
            descriptor = file
            self.path = path
            return
        }
        return nil
    }

    private static func make(_ path: String, like model: String, _ content: (UInt64) -> [UInt64]) -> Int32? {
        let new = path + suffixOfNew
        unlink(new)
        guard let file = LockFile.make(new, like: model) else { return nil }
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
    package func remove() {
        unlink(path)
        StintPlatform.close(descriptor)
    }

    /// Acts like the kernel when the process dies: the lock is free, and the file stays. For tests.
    package func abandon() { StintPlatform.close(descriptor) }

    // MARK: - Another process's

    /// The names of the files in a folder.
    package static func names(in folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            // Reads only as far as the name goes: the system's buffer can end there, before the end of the field.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            names.append(String(cString: name))
        }
        return names
    }

    /// - Parameter isSound: Whether the file is the one that was created, by its words and its inode. A free lock on
    ///   any other file proves nothing.
    package static func liveness(of path: String, isSound: (_ words: [UInt64], _ inode: UInt64) -> Bool) -> Liveness {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return .unknown }
        defer { close(file) }
        if flock(file, LOCK_SH | LOCK_NB) != 0 { return errno == EWOULDBLOCK ? .alive : .unknown }
        guard let inode = inode(of: file) else { return .unknown }
        var words = [UInt64](repeating: 0, count: 8)
        let count = words.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        return isSound(Array(words.prefix(max(0, count) / 8)), inode) ? .dead : .unknown
    }

    private static func inode(of file: Int32) -> UInt64? {
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt64(facts.st_ino)
    }
}
