extension Task where Success == Never, Failure == Never {
    /// The longest part of a sleep between two readings of the clock.
    private static var slice: Duration { .milliseconds(500) }

    /// Sleeps for a time that passes only while this process runs: time during which it was stopped (SIGSTOP, a frozen
    /// container) or the machine slept does not count. For time limits of handlers.
    ///
    /// - Throws: `CancellationError`.
    static func sleepAwake(for duration: Duration) async throws {
        var left = duration
        while left > .zero {
            let part = min(left, slice)
            let start = ContinuousClock.now
            try await sleep(for: part)
            // On a busy machine a sleep takes longer than requested. Much longer means that the process was stopped.
            left -= min(ContinuousClock.now - start, part + slice)
        }
    }
}
