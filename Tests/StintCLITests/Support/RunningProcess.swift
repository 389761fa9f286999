import Foundation

/// A process to look at and to send signals to.
struct RunningProcess: Hashable {
    let id: pid_t

    func send(_ signal: CInt) {
        kill(id, signal)
    }

    /// As a terminal does on Ctrl-C: sends to the whole group of the process, which must lead it.
    func sendToGroup(_ signal: CInt) {
        kill(-id, signal)
    }

    /// A zombie has ended already; the process that inherits it may never ask for its exit code.
    var isAlive: Bool {
        #if canImport(Darwin)
            kill(id, 0) == 0
        #else
            Self.facts(id).map { $0.state != "Z" } ?? false
        #endif
    }

    #if os(Linux)
        /// Whether all of its threads wait for something.
        var isAsleep: Bool {
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")) ?? []
            return !threads.isEmpty
                && threads.allSatisfy { Self.facts(of: "/proc/\(id)/task/\($0)/stat").map { $0.state == "S" } ?? true }
        }
    #endif

    /// The processes that this one started and that still run.
    var children: [RunningProcess] {
        #if canImport(Darwin)
            var ids = [pid_t](repeating: 0, count: 1_024)
            let count = proc_listchildpids(id, &ids, CInt(ids.count * MemoryLayout<pid_t>.stride))
            return ids.prefix(Int(max(0, count))).map(RunningProcess.init)
        #else
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.compactMap { pid_t($0) }
                .filter { Self.facts($0).map { $0.parent == id && $0.state != "Z" } ?? false }
                .map(RunningProcess.init)
        #endif
    }

    /// proc_pid_stat(5): `pid (name) state parent …`, where the name may have any character.
    private static func facts(_ id: pid_t) -> (state: Substring, parent: pid_t)? {
        facts(of: "/proc/\(id)/stat")
    }

    private static func facts(of file: String) -> (state: Substring, parent: pid_t)? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (fields[0], parent)
    }
}
