/// The machine's clocks.
package struct SystemClock: QueueClock {
    package init() {}

    /// The boot id is "unknown" if it cannot be read; then only deadlines decide.
    package func now() -> ClockReading {
        ClockReading(
            wall: MachineClock.wall / 1_000_000, monotonic: MachineClock.monotonic / 1_000_000,
            boot: MachineClock.bootID)
    }
}
