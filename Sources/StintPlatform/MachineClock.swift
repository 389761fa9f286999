/// The machine's clocks, the same for all of its processes.
package enum MachineClock {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    package static var wall: Int64 { nanoseconds(CLOCK_REALTIME) }

    /// Nanoseconds since some point of this boot.
    package static var monotonic: Int64 { nanoseconds(CLOCK_MONOTONIC) - namespaceOffset }

    /// The time until the next multiple of an interval, by the monotonic clock: all processes of the machine that wait for
    /// it wake up together. That is cheaper than one after the other, since they find each other's code and data in the
    /// processor's caches.
    ///
    /// - Returns: Whole milliseconds, at least one, and no more than the interval.
    package static func untilNext(_ interval: Duration) -> Duration {
        untilNext(interval, at: .nanoseconds(monotonic))
    }

    package static func untilNext(_ interval: Duration, at now: Duration) -> Duration {
        let period = max(1, Int64(interval / .milliseconds(1)))
        return .milliseconds(period - Int64(now / .milliseconds(1)) % period)
    }

    /// Linux: /proc/sys/kernel/random/boot_id; macOS: kern.bootsessionuuid. "unknown" if it cannot be read, as in a
    /// container without /proc.
    package static let bootID: String = {
        #if canImport(Darwin)
            var buffer = [UInt8](repeating: 0, count: 64)
            var length = buffer.count
            guard sysctlbyname("kern.bootsessionuuid", &buffer, &length, nil, 0) == 0 else { return "unknown" }
            return String(decoding: buffer.prefix { $0 > 0x20 }, as: UTF8.self)
        #else
            guard let text = SystemFile.text(of: "/proc/sys/kernel/random/boot_id", limit: 64) else { return "unknown" }
            return String(text.prefix { $0 > " " })
        #endif
    }()

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return time.nanoseconds
    }

    /// How far the monotonic clock of this process's time namespace is ahead of the machine's (time_namespaces(7)). It
    /// is subtracted because deadlines are compared between containers.
    private static let namespaceOffset: Int64 = {
        // `monotonic           3600         0`: seconds and nanoseconds. Only Linux has this file.
        for line in (SystemFile.text(of: "/proc/self/timens_offsets") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "monotonic", let seconds = Int64(words[1]),
                let nanoseconds = Int64(words[2])
            else { continue }
            return seconds * 1_000_000_000 + nanoseconds
        }
        return 0
    }()
}

extension timespec {
    package var nanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}
