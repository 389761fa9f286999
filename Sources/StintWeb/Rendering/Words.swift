import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Numbers and times as pages show them.
enum Words {
    /// With thin spaces between groups of three digits: `12 345`.
    static func count(_ count: Int) -> String {
        let digits = String(count.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { text += "\u{202F}" }
            text.append(digit)
        }
        return count < 0 ? "−" + text : text
    }

    static func bytes(_ bytes: Int64?) -> String? {
        guard let bytes else { return nil }
        if bytes < 1_000 { return "\(bytes) B" }
        var (value, unit) = (Double(bytes) / 1_000, 0)
        while value >= 999.5 && unit < 3 { (value, unit) = (value / 1_000, unit + 1) }
        return decimal(value) + " " + ["kB", "MB", "GB", "TB"][unit]
    }

    /// Two digits that count: `1.2`, `12`.
    private static func decimal(_ value: Double) -> String {
        guard value < 9.95 else { return String(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    /// The largest unit that counts: `340 ms`, `12 s`, `5 min`, `3 h`, `2 days`.
    static func duration(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.milliseconds)
        switch milliseconds {
        case ..<1_000: return "\(milliseconds) ms"
        case ..<60_000: return decimal(Double(milliseconds) / 1_000) + " s"
        case ..<3_600_000: return "\(milliseconds / 60_000) min"
        case ..<172_800_000: return "\(milliseconds / 3_600_000) h"
        default: return "\(milliseconds / 86_400_000) days"
        }
    }

    static func share(_ part: Double) -> String { decimal(part * 100) + " %" }
}

/// A time on a page: the script shows how long ago it is, and the page says it without one.
struct TimeView {
    /// `2026-11-26T16:20:00Z`.
    let iso: String
    /// `2026-11-26 16:20:00 UTC`.
    let text: String
    /// `5 min ago`, `in 3 h`.
    let relative: String

    init(_ date: Date, now: Date) {
        iso = date.formatted(.iso8601)
        text = iso.replacing("T", with: " ").replacing("Z", with: " UTC")
        let seconds = date.timeIntervalSince(now)
        let duration = Words.duration(.milliseconds(Int64(abs(seconds) * 1_000)))
        relative = seconds > 0 ? "in \(duration)" : "\(duration) ago"
    }

    init?(_ date: Date?, now: Date) {
        guard let date else { return nil }
        self.init(date, now: now)
    }
}

/// A state with its shape: a reader need not tell colours apart.
struct StateView {
    let name: String
    let shape: String

    init(_ state: JobState) {
        name = state == .leased ? "running" : state.rawValue
        shape =
            switch state {
            case .ready: "●"
            case .delayed: "◔"
            case .leased: "▶"
            case .buried: "■"
            case .done: "✓"
            case .cancelled: "✕"
            case .expired: "◌"
            }
    }
}
