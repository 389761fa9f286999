import StintPlatform
import Synchronization

/// The limit of open files of this process. The usual soft limit of 1,024 exists for programs that use select(2). This
/// one does not, so it may raise its own up to the hard limit. Its children get the original limit.
enum DescriptorLimit {
    /// Reserved for the database, its log and the rest of the process.
    static let reserve = 16
    /// Pipes and process descriptors of one command, including its start.
    static let perCommand = 8

    private static let original = Mutex<Int64>(0)

    /// The soft limit for a child, or 0 if this process's has not been changed.
    static var ofChildren: Int64 { original.withLock { $0 } }

    /// Raises the limit for this many commands or worker processes at once, up to the hard limit.
    ///
    /// - Returns: How many the limit allows, at least 1.
    static func makeRoom(forCommands wanted: Int) -> Int {
        let inUse = openDescriptors
        return original.withLock { original in
            var limit = rlimit()
            guard getrlimit(ResourceLimit.openFiles, &limit) == 0 else { return wanted }
            let needed = rlim_t(inUse + reserve + perCommand * wanted)
            let target = min(needed, limit.rlim_max)
            if limit.rlim_cur < target {
                let before = limit.rlim_cur
                limit.rlim_cur = target
                // If it is refused, the limit is unchanged.
                if setrlimit(ResourceLimit.openFiles, &limit) != 0 {
                    limit.rlim_cur = before
                } else if original == 0 {
                    original = Int64(before)
                }
            }
            return room(limit: Int(clamping: limit.rlim_cur), inUse: inUse, wanted: wanted)
        }
    }

    /// The same with given figures.
    static func room(limit: Int, inUse: Int, wanted: Int) -> Int {
        max(1, min(wanted, (limit - inUse - reserve) / perCommand))
    }

    private static var openDescriptors: Int {
        guard let folder = opendir("/dev/fd") else { return 32 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count
    }
}
