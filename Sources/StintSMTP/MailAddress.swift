/// The address of a mailbox as an envelope has it: `anna@example.org`, or `root` without a domain.
package enum MailAddress {
    /// RFC 5321 allows 256 bytes; more is accepted, so that programs can be tested with it.
    package static let maximumBytes = 1_000

    /// Reads what follows `FROM:` or `TO:`, as `<anna@example.org> SIZE=100`.
    ///
    /// - Parameter bytes: UTF-8 text without line breaks.
    /// - Returns: The address without brackets and source route, and what follows it; `nil` if it is none. The empty path
    ///   `<>` is the empty address.
    static func path(_ bytes: ArraySlice<UInt8>) -> (address: String, rest: ArraySlice<UInt8>)? {
        let bytes = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        guard let first = bytes.first else { return nil }
        // Many programs leave the brackets out, and servers accept that.
        let hasBrackets = first == UInt8(ascii: "<")
        let content = hasBrackets ? bytes.dropFirst() : bytes
        guard let end = end(of: content, hasBrackets) else { return nil }
        var address = content[..<end]
        let rest = hasBrackets ? content[(end + 1)...] : content[end...]
        guard rest.isEmpty || rest.first == 0x20 || rest.first == 0x09 else { return nil }
        if address.first == UInt8(ascii: "@"), let colon = address.firstIndex(of: UInt8(ascii: ":")) {
            // `@relay,@other:anna@example.org`, which RFC 5321 tells servers to ignore.
            address = address[(colon + 1)...]
        }
        if address.isEmpty, hasBrackets { return ("", rest) }
        guard let text = String(validating: address, as: UTF8.self), isAddress(text) else { return nil }
        return (text, rest)
    }

    /// Where an address ends that begins at the beginning: at the bracket, or at white space; not within quotes.
    private static func end(of bytes: ArraySlice<UInt8>, _ hasBrackets: Bool) -> Int? {
        var (isQuoted, isEscaped) = (false, false)
        for index in bytes.indices {
            let byte = bytes[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted {
                if byte == UInt8(ascii: "\\") { isEscaped = true }
                if byte == UInt8(ascii: "\"") { isQuoted = false }
            } else if byte == UInt8(ascii: "\"") {
                isQuoted = true
            } else if hasBrackets ? byte == UInt8(ascii: ">") : byte == 0x20 || byte == 0x09 {
                return index
            }
        }
        return isQuoted || hasBrackets ? nil : bytes.endIndex
    }

    /// Whether a text is an address: a local part, and perhaps a domain.
    package static func isAddress(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...maximumBytes).contains(bytes.count), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return false
        }
        let at = bytes.lastIndex(of: UInt8(ascii: "@"))
        let local = bytes[..<(at ?? bytes.endIndex)]
        guard isLocalPart(local) else { return false }
        guard let at else { return true }
        return isDomain(bytes[(at + 1)...])
    }

    private static func isLocalPart(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        guard bytes.first == UInt8(ascii: "\"") else {
            return bytes.allSatisfy { $0 > 0x20 && !"()<>,;:\\\"[]@".utf8.contains($0) }
        }
        guard bytes.count >= 2, bytes.last == UInt8(ascii: "\"") else { return false }
        var isEscaped = false
        for byte in bytes.dropFirst().dropLast() {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                return false
            }
        }
        return !isEscaped
    }

    private static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
            return bytes.dropFirst().dropLast().allSatisfy {
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]")
            }
        }
        return bytes.first != UInt8(ascii: ".") && bytes.allSatisfy { $0 > 0x20 && !"()<>,;:\\\"[]@".utf8.contains($0) }
    }

    /// The domain in small letters; `nil` if the address has none.
    package static func domain(of address: String) -> String? {
        guard let at = address.utf8.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let domain = address[address.index(after: at)...]
        return domain.isEmpty ? nil : domain.lowercased()
    }

    static func isASCII(_ address: String) -> Bool { address.utf8.allSatisfy { $0 < 0x80 } }
}
