#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The machine's clocks.
public struct SystemClock: QueueClock {
    public init() {}

    public func now() -> ClockReading {
        ClockReading(
            wall: Self.nanoseconds(CLOCK_REALTIME) / 1_000_000,
            monotonic: (Self.nanoseconds(CLOCK_MONOTONIC) - Self.namespaceOffset) / 1_000_000,
            boot: Self.bootID
        )
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// How far the monotonic clock of this process's time namespace is ahead of the machine's (time_namespaces(7)). It
    /// is subtracted because deadlines are compared between containers.
    private static let namespaceOffset: Int64 = {
        #if canImport(Darwin)
            return 0
        #else
            let file = open("/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return 0 }
            defer { close(file) }
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { return 0 }
            // `monotonic           3600         0`: seconds and nanoseconds
            for line in String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, words[0] == "monotonic", let seconds = Int64(words[1]),
                    let nanoseconds = Int64(words[2])
                else { continue }
                return seconds * 1_000_000_000 + nanoseconds
            }
            return 0
        #endif
    }()

    /// Linux: /proc/sys/kernel/random/boot_id; macOS: kern.bootsessionuuid. If it cannot be read (a container without
    /// /proc), the id is "unknown" and only the deadline decides.
    private static let bootID: String = {
        var buffer = [UInt8](repeating: 0, count: 64)
        #if canImport(Darwin)
            var length = buffer.count
            guard sysctlbyname("kern.bootsessionuuid", &buffer, &length, nil, 0) == 0 else { return "unknown" }
        #else
            let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return "unknown" }
            defer { close(file) }
            guard read(file, &buffer, buffer.count) > 0 else { return "unknown" }
        #endif
        return String(decoding: buffer.prefix { $0 > 0x20 }, as: UTF8.self)
    }()
}
