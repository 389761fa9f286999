extension Task where Success == Never, Failure == Never {
    /// The longest part of a sleep that counts without a look at the clock.
    private static var slice: Duration { .milliseconds(500) }

    /// Sleeps for a time that passes only while this process runs: when it was stopped (SIGSTOP, a frozen container) or
    /// the machine slept, that time does not count. For limits of what a handler may take.
    ///
    /// - Throws: `CancellationError`.
    static func sleepAwake(for duration: Duration) async throws {
        var left = duration
        while left > .zero {
            let part = min(left, slice)
            let start = ContinuousClock.now
            try await sleep(for: part)
            // On a busy machine a sleep takes longer than it should. Much longer is no sleep.
            left -= min(ContinuousClock.now - start, part + slice)
        }
    }
}
