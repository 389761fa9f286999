import StintCore
import StintPlatform

/// Now, by this machine's wall clock.
func wallClock() -> Timestamp { MachineClock.wall / 1_000_000 }
