import StintPlatform

/// How many processes and threads this user or container may have. In a process that cannot start a thread, dispatch
/// queues stand still, so fewer commands run at once before that happens.
enum ProcessLimit {
    /// For the threads of this process and of its supervisor.
    static let reserve = 24
    /// A command, a process that it starts itself, and threads for its pipes.
    static let perCommand = 5

    /// How many commands the limits allow, at least 1.
    static func room(forCommands wanted: Int) -> Int {
        limits.reduce(wanted) { min($0, room(limit: $1, wanted: wanted)) }
    }

    /// The same with a limit.
    static func room(limit: Int, wanted: Int) -> Int { max(1, min(wanted, (limit - reserve) / perCommand)) }

    private static var limits: [Int] {
        var limits: [Int] = []
        var limit = rlimit()
        // Root has no such limit.
        if geteuid() != 0, getrlimit(ResourceLimit.processes, &limit) == 0, limit.rlim_cur < 1 << 30 {
            limits.append(Int(limit.rlim_cur))
        }
        for folder in groups {
            // The file contains `max` if there is no limit.
            guard let most = number("\(folder)/pids.max"), let now = number("\(folder)/pids.current") else { continue }
            limits.append(most - now + reserve)
        }
        return limits
    }

    /// The control groups of this process, of version 2 and 1: cgroups(7).
    private static var groups: [String] {
        let lines = (SystemFile.text(of: "/proc/self/cgroup", limit: 65_536) ?? "").split(separator: "\n")
        let paths = lines.compactMap { line -> String? in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            if fields[1].isEmpty { return "/sys/fs/cgroup\(fields[2])" }
            return fields[1].split(separator: ",").contains("pids") ? "/sys/fs/cgroup/pids\(fields[2])" : nil
        }
        return paths + ["/sys/fs/cgroup"]
    }

    private static func number(_ path: String) -> Int? {
        SystemFile.text(of: path, limit: 64).flatMap { Int($0.prefix { $0.isNumber }) }
    }
}
