import StintCore

/// Checks texts that come into headers.
enum MailText {
    /// - Throws: ``StintError`` with the code `invalidInput` for a line break or another control character, by which a
    ///   text could become further headers.
    static func check(_ text: String, _ what: @autoclosure () -> String) throws {
        guard !text.unicodeScalars.contains(where: \.isControl) else {
            throw StintError.invalidInput("\(what()) has a line break or another control character: remove it")
        }
    }

    /// Printable ASCII without white space.
    static func isToken(_ text: String, except excluded: String = "") -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !excluded.utf8.contains($0) }
    }

    /// As a quoted string of a header (RFC 5322, 3.2.4).
    static func inQuotes(_ text: String) -> String {
        // Not by characters: a quote with an accent on it is one that is no quote.
        var result: String.UnicodeScalarView = "\"".unicodeScalars
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { result.append("\\") }
            result.append(scalar)
        }
        result.append("\"")
        return String(result)
    }

    /// The bytes with `…` in place of each secret.
    static func hiding(_ secrets: [String], in bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for secret in secrets.map({ Array($0.utf8) }) where !secret.isEmpty {
            var result: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                if rest.starts(with: secret) {
                    result += "…".utf8
                    rest = rest.dropFirst(secret.count)
                } else {
                    result.append(rest.removeFirst())
                }
            }
            bytes = result
        }
        return bytes
    }
}
