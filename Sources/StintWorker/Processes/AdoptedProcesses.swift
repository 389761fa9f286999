import CStint
import StintPlatform

/// Processes that commands have left behind, and that became children of this process if it adopts orphans. Used only
/// by the launcher's thread.
///
/// Their mark names the command that they come from. A process without one, because its program has cleared its
/// environment, may come from any command that ran when it was first seen. It counts as left behind when all of these
/// have ended.
///
/// Only children are killed: their ids cannot be reused until this process reaps them. When they end, their own
/// children become children of this process and are next.
struct AdoptedProcesses {
    /// For each adopted process, the launched ones that it may come from.
    private var origins: [pid_t: Set<pid_t>] = [:]

    var isEmpty: Bool { origins.isEmpty }

    /// Reaps adopted processes that have ended, and sends SIGKILL to those that no running command can have started.
    ///
    /// - Returns: The ids of the commands in `ended` whose processes are not all gone.
    mutating func sweep(running: [ChildProcess], ended: [ChildProcess]) -> Set<pid_t> {
        let launched = running + ended
        let runningIDs = Set(running.map(\.id))
        let known = runningIDs.union(ended.map(\.id))
        var found: [pid_t: Set<pid_t>] = [:]
        var withLeftovers: Set<pid_t> = []
        for id in Self.children() where !known.contains(id) {
            if waitpid(id, nil, WNOHANG) != 0 { continue }
            guard let origin = origins[id] ?? Self.origin(of: id, launched) else { continue }
            found[id] = origin
            guard origin.isDisjoint(with: runningIDs) else { continue }
            kill(id, SIGKILL)
            withLeftovers.formUnion(origin)
        }
        origins = found
        return withLeftovers
    }

    /// - Returns: `nil` for a process that no command has started.
    private static func origin(of id: pid_t, _ launched: [ChildProcess]) -> Set<pid_t>? {
        if let mark = ProcessMark(ofProcess: id) {
            let origin = launched.filter { $0.mark?.covers(mark) == true }.map(\.id)
            if !origin.isEmpty { return Set(origin) }
            // Its command ended long ago.
            if ProcessMark.ofThisProcess.covers(mark) { return [] }
        }
        // The first process of a container gets other orphans too, such as those of a shell in it.
        guard getpid() != 1 else { return nil }
        // A worker adopts orphans of its commands itself, so this one comes from a worker that died.
        return Set(launched.filter { !$0.isWorker }.map(\.id))
    }

    /// All children of this process.
    private static func children() -> [pid_t] {
        let threads = SystemFile.numbers(in: "/proc/self/task")
        let lists = threads.compactMap { SystemFile.bytes(of: "/proc/self/task/\($0)/children", limit: 1_048_576) }
        guard !lists.isEmpty else { return childrenByParent() }
        return lists.flatMap { list in
            list.split(separator: UInt8(ascii: " ")).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
        }
    }

    /// The same on a kernel without lists of children.
    private static func childrenByParent() -> [pid_t] {
        ProcessList.all.filter { ProcessFacts(ofProcess: $0)?.parent == getpid() }
    }
}
