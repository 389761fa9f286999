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

    /// Whether an address with a domain is one that mail servers take. RFC 5321 has its lengths.
    package static func isDeliverable(_ text: String) -> Bool {
        guard isAddress(text), text.utf8.count <= 254, let at = text.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            return false
        }
        let local = Array(text.utf8[..<at])
        let domain = Array(text.utf8[text.utf8.index(after: at)...])
        return local.count <= 64 && isDeliverable(local: local) && isDeliverable(domain: domain)
    }

    private static func isDeliverable(local: [UInt8]) -> Bool {
        if local.first == UInt8(ascii: "\"") { return local.count > 2 }
        return !local.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).contains(where: \.isEmpty)
    }

    private static func isDeliverable(domain: [UInt8]) -> Bool {
        if domain.first == UInt8(ascii: "[") {
            return domain.count > 2 && domain.last == UInt8(ascii: "]")
                && domain.dropFirst().dropLast().allSatisfy { isLetterOrDigit($0) || ".:".utf8.contains($0) }
        }
        let labels = domain.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return domain.count <= 253
            && labels.allSatisfy { label in
                guard let first = label.first, let last = label.last, label.count <= 63 else { return false }
                return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
                    // Letters of other scripts are encoded when the mail is sent.
                    && label.allSatisfy { isLetterOrDigit($0) || "-_".utf8.contains($0) || $0 >= 0x80 }
            }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// The domain in small letters; `nil` if the address has none.
    package static func domain(of address: String) -> String? {
        guard let at = address.utf8.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let domain = address[address.index(after: at)...]
        return domain.isEmpty ? nil : domain.lowercased()
    }

    static func isASCII(_ address: String) -> Bool { address.utf8.allSatisfy { $0 < 0x80 } }
}
