import StintPlatform

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
    var isAlive: Bool { ProcessFacts(ofProcess: id).map { !$0.isZombie } ?? false }

    /// The processes that this one started and that still run.
    var children: [RunningProcess] {
        ProcessList.all.filter { ProcessFacts(ofProcess: $0).map { $0.parent == id && !$0.isZombie } ?? false }
            .map(RunningProcess.init)
    }

    #if os(Linux)
        /// Whether all of its threads wait for something: proc_pid_stat(5), field 3.
        var isAsleep: Bool {
            let threads = SystemFile.numbers(in: "/proc/\(id)/task")
            return !threads.isEmpty
                && threads.allSatisfy { thread in
                    guard let text = SystemFile.text(of: "/proc/\(id)/task/\(thread)/stat"),
                        let end = text.lastIndex(of: ")")
                    else { return true }
                    return text[text.index(after: end)...].hasPrefix(" S ")
                }
        }
    #endif
}
