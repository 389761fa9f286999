extension Unicode.Scalar {
    /// Whether it is a control character or a line separator, which would garble a terminal, a log line or an
    /// environment variable.
    package var isControl: Bool {
        // Those of ASCII need no look into Unicode's tables.
        if isASCII { return value < 0x20 || value == 0x7F }
        return properties.generalCategory == .control || self == "\u{2028}" || self == "\u{2029}"
    }
}

/// `text` in quotes on one line, for messages: control characters are escaped, and it is cut after 80 characters.
package func quoted(_ text: String) -> String {
    let short = text.unicodeScalars.prefix(80)
    var result = "'"
    for scalar in short {
        if scalar.isControl { result += scalar.escaped(asASCII: true) } else { result.unicodeScalars.append(scalar) }
    }
    return result + (short.count < text.unicodeScalars.count ? "…'" : "'")
}

extension Collection where Element == UInt8 {
    /// The last `limit` bytes as text: valid UTF-8, cut at a character, without NUL. Invalid UTF-8 becomes U+FFFD.
    package func textTail(limit: Int) -> String {
        // A continuation byte at the cut belongs to a character that was cut in two.
        let tail = suffix(limit).drop { count > limit && $0 & 0b1100_0000 == 0b1000_0000 }
        return String(decoding: tail, as: UTF8.self).replacing("\0", with: "\u{FFFD}")
    }
}
