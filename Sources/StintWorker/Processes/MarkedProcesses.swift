import CStint
import StintPlatform

/// Kills the processes that a process has started, found by their marks. For one that has ended, when the ids of its
/// children and of their groups may have been reused.
enum MarkedProcesses {
    /// Sends SIGKILL once to each process that `mark` covers, and to no other.
    ///
    /// - Returns: How many there were. They may have started others meanwhile: call it until it returns 0.
    static func killOnce(coveredBy mark: ProcessMark) -> Int {
        ProcessList.all.filter { $0 != getpid() && isMarked($0, mark) }.count { kill($0, mark) }
    }

    /// Repeats that every millisecond until there is none. It blocks its thread.
    static func kill(coveredBy mark: ProcessMark, rounds: Int) {
        for _ in 1...rounds where killOnce(coveredBy: mark) > 0 { usleep(1_000) }
    }

    private static func isMarked(_ id: pid_t, _ mark: ProcessMark) -> Bool {
        ProcessMark(ofProcess: id).map(mark.covers) ?? false
    }

    private static func kill(_ id: pid_t, _ mark: ProcessMark) -> Bool {
        let descriptor = stint_pidfd_open(id)
        defer { if descriptor >= 0 { close(descriptor) } }
        // Checked once more after the pidfd was opened: the id may have been reused before.
        guard isMarked(id, mark) else { return false }
        if descriptor >= 0 { return stint_pidfd_send_signal(descriptor, SIGKILL) == 0 }
        return StintPlatform.kill(id, SIGKILL) == 0
    }
}
