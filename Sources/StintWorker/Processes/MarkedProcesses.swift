import CStint

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ends what a process has started by the marks of the processes themselves, wherever they have got to: for one that has
/// ended, so that the numbers of its children and of their groups may be strangers' by now.
enum MarkedProcesses {
    /// Sends SIGKILL once to each that `mark` covers, and to no other process.
    ///
    /// - Returns: How many there were. Those may have started others meanwhile: call it until there is none.
    static func killOnce(coveredBy mark: ProcessMark) -> Int {
        all().filter { $0 != getpid() && isMarked($0, mark) }.count { kill($0, mark) }
    }

    /// The same again and again, a millisecond apart, until there is none. It blocks its thread.
    static func kill(coveredBy mark: ProcessMark, rounds: Int) {
        for _ in 1...rounds where killOnce(coveredBy: mark) > 0 { usleep(1_000) }
    }

    private static func isMarked(_ id: pid_t, _ mark: ProcessMark) -> Bool {
        ProcessMark(ofProcess: id).map(mark.covers) ?? false
    }

    private static func kill(_ id: pid_t, _ mark: ProcessMark) -> Bool {
        let descriptor = stint_pidfd_open(id)
        defer { if descriptor >= 0 { close(descriptor) } }
        // Looked at once more, now that the descriptor holds on to it: the number may have got to another one.
        guard isMarked(id, mark) else { return false }
        if descriptor >= 0 { return stint_pidfd_send_signal(descriptor, SIGKILL) == 0 }
        #if canImport(Darwin)
            return Darwin.kill(id, SIGKILL) == 0
        #else
            return Glibc.kill(id, SIGKILL) == 0
        #endif
    }

    private static func all() -> [pid_t] {
        #if canImport(Darwin)
            var ids = [pid_t](repeating: 0, count: 65_536)
            let count = proc_listallpids(&ids, Int32(ids.count * MemoryLayout<pid_t>.stride))
            return Array(ids.prefix(Int(max(0, count))))
        #else
            return numbers(in: "/proc")
        #endif
    }
}
