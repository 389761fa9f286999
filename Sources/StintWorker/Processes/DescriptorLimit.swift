import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How many files this process may have open. The usual soft limit of 1,024 is kept low for programs that use select(2);
/// this one does not, so it may raise its own as far as the hard limit goes. What it starts gets the original back.
enum DescriptorLimit {
    /// What is left for the database, its log and the rest of the process.
    static let reserve = 16
    /// Pipes and process descriptors of one command, also while it is being started.
    static let perCommand = 8

    private static let original = Mutex<Int64>(0)

    /// For a child: its soft limit, or 0 where this process's has not been changed.
    static var ofChildren: Int64 { original.withLock { $0 } }

    /// Makes room for so many commands (or worker processes) at once, as far as the hard limit goes.
    ///
    /// - Returns: How many there is room for, at least 1.
    static func makeRoom(forCommands wanted: Int) -> Int {
        let inUse = openDescriptors
        return original.withLock { original in
            var limit = rlimit()
            guard getrlimit(resource, &limit) == 0 else { return wanted }
            let needed = rlim_t(inUse + reserve + perCommand * wanted)
            let target = min(needed, limit.rlim_max)
            if limit.rlim_cur < target {
                let before = limit.rlim_cur
                limit.rlim_cur = target
                // Refused, it is as it was.
                if setrlimit(resource, &limit) != 0 {
                    limit.rlim_cur = before
                } else if original == 0 {
                    original = Int64(before)
                }
            }
            return room(limit: Int(clamping: limit.rlim_cur), inUse: inUse, wanted: wanted)
        }
    }

    /// The same with the figures of a process.
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

    #if canImport(Darwin)
        private static let resource = RLIMIT_NOFILE
    #else
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif
}
