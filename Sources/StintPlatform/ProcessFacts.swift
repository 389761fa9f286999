/// What the system tells about a process that exists now.
package struct ProcessFacts: Sendable {
    /// The name of its program, perhaps cut.
    package let name: String
    package let parent: pid_t
    /// Linux: clock ticks since the boot (proc_pid_stat(5), field 22). Darwin: microseconds since 1970.
    package let startTime: Int64
    /// Whether all of it has ended, and its parent has not waited for it yet.
    package let isZombie: Bool
    /// Whether it was stopped, by SIGSTOP or a debugger.
    package let isStopped: Bool

    /// `nil` if there is no such process, or it is hidden from this one.
    package init?(ofProcess id: pid_t) {
        #if canImport(Darwin)
            var info = kinfo_proc()
            var size = MemoryLayout<kinfo_proc>.stride
            var query = [CTL_KERN, KERN_PROC, KERN_PROC_PID, id]
            guard sysctl(&query, 4, &info, &size, nil, 0) == 0, size > 0 else { return nil }
            let state = Int32(info.kp_proc.p_stat)
            name = withUnsafeBytes(of: info.kp_proc.p_comm) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            parent = info.kp_eproc.e_ppid
            startTime =
                Int64(info.kp_proc.p_starttime.tv_sec) * 1_000_000 + Int64(info.kp_proc.p_starttime.tv_usec)
            isZombie = state == SZOMB
            isStopped = state == SSTOP
        #else
            // `pid (name) state parent …`, where the name may have any character; the start time is field 22.
            guard let text = SystemFile.text(of: "/proc/\(id)/stat", limit: 1_024),
                let start = text.firstIndex(of: "("),
                let end = text.lastIndex(of: ")")
            else { return nil }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 19, let parent = pid_t(fields[1]), let startTime = Int64(fields[19]) else {
                return nil
            }
            name = String(text[text.index(after: start)..<end])
            self.parent = parent
            self.startTime = startTime
            // A main thread that has ended is a zombie too, while the other threads of its process go on: field 20.
            isZombie = (fields[0] == "Z" || fields[0] == "X") && ["0", "1"].contains(fields[17])
            isStopped = fields[0].lowercased() == "t"
        #endif
    }
}
