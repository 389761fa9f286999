/// The addresses of a header such as `To`: `Anna <anna@example.org>, "B, C" <b@example.org>, friends: d@x, e@y;`.
package enum AddressList {
    /// Reads them leniently: what is no address is passed on as it is, for the error.
    ///
    /// - Returns: The addresses without names and comments, in their order.
    package static func addresses(in value: some Collection<UInt8>) -> [String] {
        var addresses: [String] = []
        var entry = Entry()
        var (isQuoted, isEscaped, comments) = (false, false, 0)
        func end() {
            if let address = entry.address { addresses.append(address) }
            entry = Entry()
        }
        for byte in value {
            if isEscaped {
                isEscaped = false
                if comments == 0 { entry.append(byte) }
                continue
            }
            if byte == UInt8(ascii: "\\"), isQuoted || comments > 0 {
                isEscaped = true
                if comments == 0 { entry.append(byte) }
                continue
            }
            if comments > 0 {
                if byte == UInt8(ascii: "(") { comments += 1 }
                if byte == UInt8(ascii: ")") { comments -= 1 }
                continue
            }
            if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
                entry.append(byte)
                continue
            }
            if isQuoted {
                entry.append(byte)
                continue
            }
            switch byte {
            case UInt8(ascii: "("): comments += 1
            case UInt8(ascii: "<"): entry.beginAngle()
            case UInt8(ascii: ">"): entry.endAngle()
            // Within brackets it is a part of a route.
            case UInt8(ascii: ","), UInt8(ascii: ";"): if entry.isInAngle { entry.append(byte) } else { end() }
            // The name of a group, and not a part of an address literal or a route.
            case UInt8(ascii: ":") where !entry.isInBrackets: entry = Entry()
            default: entry.append(byte)
            }
        }
        end()
        return addresses
    }

    private struct Entry {
        private var plain: [UInt8] = []
        private var angle: [UInt8]?
        private(set) var isInAngle = false

        var isInBrackets: Bool { isInAngle || plain.last(where: { "[]".utf8.contains($0) }) == UInt8(ascii: "[") }

        mutating func append(_ byte: UInt8) {
            guard byte != 0x0D, byte != 0x0A else { return }
            if isInAngle { angle?.append(byte) } else if angle == nil { plain.append(byte) }
        }

        mutating func beginAngle() {
            (isInAngle, angle) = (true, angle ?? [])
        }

        mutating func endAngle() { isInAngle = false }

        /// `nil`: there was nothing.
        var address: String? {
            var bytes = (angle ?? plain)[...]
            // `@relay:anna@example.org`
            if bytes.first == UInt8(ascii: "@"), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
                bytes = bytes[(colon + 1)...]
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let isQuoted = text.utf8.contains(UInt8(ascii: "\""))
            let trimmed = isQuoted ? Self.trimmed(text) : Self.joined(text)
            return trimmed.isEmpty ? nil : trimmed
        }

        /// Without white space at its ends and around `@` and dots, which RFC 5322 allows.
        private static func joined(_ text: String) -> String {
            var joined = ""
            for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
                let ends: [UInt8?] = [joined.utf8.last, word.utf8.first]
                let isOne = ends.contains(UInt8(ascii: "@")) || ends.contains(UInt8(ascii: "."))
                joined += (joined.isEmpty || isOne ? "" : " ") + word
            }
            return joined
        }

        private static func trimmed(_ text: String) -> String {
            var rest = Substring(text)
            while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
            return String(rest.drop { $0 == " " || $0 == "\t" })
        }
    }
}
