#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where the queue, the workers and the reaper read the time; tests move a clock of their own.
public protocol QueueClock: Sendable {
    func now() -> ClockReading
}
