#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Milliseconds since 1970-01-01 00:00 UTC, as stores keep times. Applications see `Date`.
public typealias Timestamp = Int64

/// How a store writes times and durations.
public enum StoredTime {
    /// Whole milliseconds, rounded up, so that a short wait never becomes zero. Clamped to half the range of `Int64`,
    /// so that the sum of two never overflows.
    public static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow, abs(seconds) < Int64.max / 2_000 else { return seconds < 0 ? .min / 2 : .max / 2 }
        let rest = attoseconds / 1_000_000_000_000_000
        let roundUp: Int64 = attoseconds % 1_000_000_000_000_000 > 0 ? 1 : 0
        return whole + rest + roundUp
    }

    /// Rounded, and clamped to what a timestamp can be.
    public static func timestamp(_ date: Date) -> Timestamp {
        let milliseconds = (date.timeIntervalSince1970 * 1_000).rounded()
        if milliseconds.isNaN { return 0 }
        return Timestamp(exactly: milliseconds) ?? (milliseconds < 0 ? .min : .max)
    }
}

extension Date {
    package init(_ time: Timestamp) {
        self.init(timeIntervalSince1970: Double(time) / 1_000)
    }

    /// See ``StoredTime/timestamp(_:)``.
    package var timestamp: Timestamp { StoredTime.timestamp(self) }
}

extension Duration {
    /// As on the command line, to the millisecond: `1h30m`, `500ms`.
    package var unitsText: String {
        var (left, text) = (milliseconds, "")
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", Int64(1))] {
            if left >= length { text += "\(left / length)\(unit)" }
            if left > 0 { left %= length }
        }
        return text.isEmpty ? "\(left)ms" : text
    }

    /// See ``StoredTime/milliseconds(_:)``.
    package var milliseconds: Int64 { StoredTime.milliseconds(self) }
}
