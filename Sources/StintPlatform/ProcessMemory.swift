/// How much memory processes use, in bytes.
package enum ProcessMemory {
    /// What is resident now; `nil` if it is unknown.
    package static func resident(ofProcess id: pid_t) -> Int64? {
        #if canImport(Darwin)
            var info = proc_taskinfo()
            let size = Int32(MemoryLayout<proc_taskinfo>.stride)
            return proc_pidinfo(id, PROC_PIDTASKINFO, 0, &info, size) == size ? Int64(info.pti_resident_size) : nil
        #else
            let fields = SystemFile.text(of: "/proc/\(id)/statm")?.split(separator: " ") ?? []
            guard fields.count > 1 else { return nil }
            return Int64(fields[1]).map { $0 * Int64(sysconf(Int32(_SC_PAGESIZE))) }
        #endif
    }

    /// The peak of what was resident in a process that has ended.
    package static func peak(of usage: rusage) -> Int64 {
        #if canImport(Darwin)
            Int64(usage.ru_maxrss)
        #else
            Int64(usage.ru_maxrss) * 1_024
        #endif
    }

    /// The peak of what was resident in this process until now.
    package static var peakOfThisProcess: Int64 { peak(of: .ofThisProcess) }
}

extension rusage {
    /// What this process has used until now: getrusage(2).
    package static var ofThisProcess: rusage {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        return usage
    }
}
