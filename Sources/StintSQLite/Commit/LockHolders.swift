import StintCore
import StintPlatform

/// Which processes hold SQLite's locks on a file, for messages. On Linux this is read from /proc/locks (proc_locks(5)).
/// Elsewhere, and for processes of other pid namespaces, it is not known.
///
/// In WAL mode all locks are on bytes of the -shm file (https://sqlite.org/walformat.html, section 2.3): 120 for the
/// writer, 123 to 127 for readers.
struct LockHolders {
    /// What holds the write lock now: `process 4711 (sqlite3)`.
    let writer: String?
    /// Other processes that are reading now, and so may keep the log from being checkpointed.
    let readers: [String]

    /// - Parameter file: The database without symbolic links.
    init(of file: String) {
        var facts = stat()
        guard stat(file + "-shm", &facts) == 0, let table = SystemFile.text(of: "/proc/locks") else {
            writer = nil
            readers = []
            return
        }
        let locks = table.split(separator: "\n").compactMap(Lock.init).filter { $0.isOn(facts) }
        writer = locks.first { $0.bytes.contains(120) && $0.isExclusive }.map { Self.describe($0.process) }
        readers = Set(locks.filter { $0.bytes.overlaps(123...127) && !$0.isExclusive }.map(\.process))
            .subtracting([getpid()]).sorted()
            .map(Self.describe)
    }

    /// `1: POSIX  ADVISORY  WRITE 4711 fe:00:131 120 120`
    private struct Lock {
        let process: Int32
        let isExclusive: Bool
        let device: (major: UInt64, minor: UInt64)
        let inode: UInt64
        let bytes: ClosedRange<Int64>

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            // A process that waits has an arrow behind its number.
            guard fields.count == 8, fields[1] == "POSIX", let process = Int32(fields[4]), process > 0 else {
                return nil
            }
            let place = fields[5].split(separator: ":")
            guard place.count == 3, let major = UInt64(place[0], radix: 16), let minor = UInt64(place[1], radix: 16),
                let inode = UInt64(place[2]), let first = Int64(fields[6])
            else { return nil }
            self.process = process
            isExclusive = fields[3] == "WRITE"
            device = (major, minor)
            self.inode = inode
            bytes = first...max(first, Int64(fields[7]) ?? .max)  // `EOF`
        }

        func isOn(_ facts: stat) -> Bool {
            // The bits of a device's number in the order of glibc's makedev(3).
            let number = UInt64(facts.st_dev)
            let major = (number >> 8) & 0xFFF | (number >> 32) & ~0xFFF
            let minor = number & 0xFF | (number >> 12) & ~0xFF
            return inode == UInt64(facts.st_ino) && device == (major, minor)
        }
    }

    private static func describe(_ process: Int32) -> String {
        if process == getpid() { return "this process itself" }
        guard let facts = ProcessFacts(ofProcess: process) else { return "process \(process)" }
        return "process \(process) (\(facts.name)\(facts.isStopped ? ", which is stopped" : ""))"
    }
}
