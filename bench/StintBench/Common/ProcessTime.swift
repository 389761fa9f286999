import Foundation

enum ProcessTime {
    /// The CPU time of a process since it began; `nil` where the system does not say. macOS does so for this process only.
    static func microseconds(of process: pid_t) -> Int64? {
        var clock = CLOCK_PROCESS_CPUTIME_ID
        if process != getpid() {
            #if os(macOS)
                return nil
            #else
                guard clock_getcpuclockid(process, &clock) == 0 else { return nil }
            #endif
        }
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return nil }
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
