/// Formats times, sizes and counts for people, each at most eight columns wide.
enum Format {
    /// `850 ms`, `1.2 s`, `42 s`, `5m 3s`, `2h 5m`, `3d 4h`; `?` if unknown. A negative duration counts as 0: a wall
    /// clock can be set back.
    static func duration(milliseconds: Int64?) -> String {
        guard let milliseconds = milliseconds.map({ max(0, $0) }) else { return "?" }
        let seconds = milliseconds / 1_000
        switch milliseconds {
        case ..<1_000: return "\(milliseconds) ms"
        case ..<10_000: return "\(seconds).\(milliseconds % 1_000 / 100) s"
        case ..<60_000: return "\(seconds) s"
        case ..<3_600_000: return "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400_000: return "\(seconds / 3_600)h \(seconds % 3_600 / 60)m"
        default: return "\(seconds / 86_400)d \(seconds % 86_400 / 3_600)h"
        }
    }

    /// `512 B`, `34 MiB`, `1.2 GiB`; `?` if unknown.
    static func memory(bytes: Int64?) -> String {
        guard let bytes else { return "?" }
        var (value, unit) = (Double(bytes), "B")
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1_024 { (value, unit) = (value / 1_024, next) }
        return (unit == "B" || value >= 10 ? "\(Int(value.rounded()))" : oneDecimal(value)) + " \(unit)"
    }

    /// All digits up to six, then `1.2M`.
    static func count(_ count: Int) -> String { self.count(Double(count)) }

    /// The same for a sum, which cannot overflow as a `Double`.
    static func count(_ count: Double) -> String {
        switch abs(count) {
        case ..<1e6: "\(Int(count.rounded()))"
        case ..<1e9: oneDecimal(count / 1e6) + "M"
        case ..<1e12: oneDecimal(count / 1e9) + "G"
        default: count < 0 ? "< -1T" : "> 1T"
        }
    }

    /// A number a second: `0`, `0.5`, `12`; `-` if it is not known yet.
    static func rate(_ rate: Double?) -> String {
        guard let rate else { return "-" }
        return rate == 0 || abs(rate) >= 10 ? count(rate) : oneDecimal(rate)
    }

    /// At least 0 and without overflow: the times may come from a damaged file, and a clock may be set back.
    static func milliseconds(from start: Int64, to end: Int64) -> Int64 {
        guard start < end else { return 0 }
        let (difference, overflow) = end.subtractingReportingOverflow(start)
        return overflow ? .max : difference
    }

    /// Rounded, with one digit after the point.
    private static func oneDecimal(_ value: Double) -> String {
        let tenths = Int((abs(value) * 10).rounded())
        return "\(value < 0 && tenths > 0 ? "-" : "")\(tenths / 10).\(tenths % 10)"
    }
}
