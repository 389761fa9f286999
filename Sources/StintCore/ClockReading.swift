#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Milliseconds since 1970-01-01 00:00 UTC.
public typealias Timestamp = Int64

/// A point in time, read from two clocks at once.
///
/// Wall time can jump, so only `run_at` and what people read use it. Deadlines of leases use the monotonic clock: it
/// never jumps, and after a reboot, where it restarts, a deadline lies further ahead than any lease is long. The boot id
/// is a hint only: containers on one kernel can have ids of their own.
public struct ClockReading: Hashable, Sendable {
    public var wall: Timestamp { didSet { clock = nil } }
    /// Milliseconds since some point of this boot; the same for all processes of the machine.
    public var monotonic: Int64 { didSet { clock = nil } }
    public var boot: String { didSet { clock = nil } }
    /// The clock that it was read from; `nil`: it stands as it is, as one does that somebody has changed.
    package var clock: (any QueueClock)?

    public init(wall: Timestamp, monotonic: Int64, boot: String) {
        self.wall = wall
        self.monotonic = monotonic
        self.boot = boot
    }

    /// The same clock's time now. A transaction calls this when it begins: the wait for its lock must not eat a lease.
    package var readAgain: ClockReading { clock?.now() ?? self }

    public static func == (left: ClockReading, right: ClockReading) -> Bool {
        left.wall == right.wall && left.monotonic == right.monotonic && left.boot == right.boot
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(wall)
        hasher.combine(monotonic)
        hasher.combine(boot)
    }
}

/// Where the queue, the workers and the reaper read the time; tests move a clock of their own.
public protocol QueueClock: Sendable {
    func now() -> ClockReading
}

/// The machine's clocks.
public struct SystemClock: QueueClock {
    public init() {}

    public func now() -> ClockReading {
        var moment = ClockReading(
            wall: Self.nanoseconds(CLOCK_REALTIME) / 1_000_000,
            monotonic: (Self.nanoseconds(CLOCK_MONOTONIC) - Self.namespaceOffset) / 1_000_000,
            boot: Self.bootID
        )
        moment.clock = self
        return moment
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// How far the monotonic clock of this process's time namespace is ahead of the machine's (time_namespaces(7)): deadlines
    /// are compared between containers.
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

    /// Linux: /proc/sys/kernel/random/boot_id; macOS: kern.bootsessionuuid. Where neither can be read (a container
    /// without /proc) the id is "unknown" and only the deadline decides.
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
