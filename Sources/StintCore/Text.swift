extension Unicode.Scalar {
    /// A control or format-breaking character: it would garble a terminal, a log line or an environment variable.
    package var isControl: Bool {
        properties.generalCategory == .control || self == "\u{2028}" || self == "\u{2029}"
    }
}

/// `text` on one line between quotes, its control characters escaped and cut after 80 characters: fit for a message.
package func quoted(_ text: String) -> String {
    let short = text.unicodeScalars.prefix(80)
    var result = "'"
    for scalar in short {
        if scalar.isControl { result += scalar.escaped(asASCII: true) } else { result.unicodeScalars.append(scalar) }
    }
    return result + (short.count < text.unicodeScalars.count ? "…'" : "'")
}

extension Collection where Element == UInt8 {
    /// The last `limit` bytes as text: valid UTF-8, cut at a character, without NUL. What is not UTF-8 becomes U+FFFD.
    package func textTail(limit: Int) -> String {
        // A continuation byte at the cut belongs to a character that was cut in two.
        let tail = suffix(limit).drop { count > limit && $0 & 0b1100_0000 == 0b1000_0000 }
        return String(decoding: tail, as: UTF8.self).replacing("\0", with: "\u{FFFD}")
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, so that a short wait never becomes none. The range is cut to that of `Int64`.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow, abs(seconds) < Int64.max / 2_000 else { return seconds < 0 ? .min / 2 : .max / 2 }
        let rest = attoseconds / 1_000_000_000_000_000
        let roundUp: Int64 = attoseconds % 1_000_000_000_000_000 > 0 ? 1 : 0
        return whole + rest + roundUp
    }
}
