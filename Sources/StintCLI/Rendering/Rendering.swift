import Foundation
import StintCore

/// One JSON document on one line, keys sorted.
func jsonLine(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// A time in a zone, usually the user's, to the second.
func localTime(_ time: Timestamp?, in zone: TimeZone = .current) -> String {
    guard let time else { return "?" }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = zone
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss ZZZ"
    return formatter.string(from: Date(timeIntervalSince1970: Double(time) / 1_000))
}

/// Text of unknown origin, made safe for a terminal: control characters except line breaks and tabs are escaped.
func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar.isControl && scalar != "\n" && scalar != "\t" {
            result += scalar.escaped(asASCII: true)
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// The same on one line, without tabs, and cut.
func oneLine(_ text: String, limit: Int) -> String {
    let line = printable(text).split { $0.isNewline || $0 == "\t" }.joined(separator: " ")
    return line.count > limit ? line.prefix(limit - 1) + "…" : line
}
