import CGMime

/// The domain of an address in the form that mail servers and the DNS know.
enum MailDomain {
    /// In ASCII and lower case; `nil` if it is no domain. Names in other scripts are encoded as IDNA says, by GLib,
    /// which does so in any locale.
    static func ascii(_ domain: String) -> String? {
        guard !domain.isEmpty, domain.utf8.count <= 1_000, !domain.utf8.contains(0) else { return nil }
        if domain.utf8.first == UInt8(ascii: "[") { return literal(domain) }
        var text = lowered(domain)
        if !text.utf8.allSatisfy({ $0 < 0x80 }) {
            guard let encoded = g_hostname_to_ascii(text) else { return nil }
            defer { g_free(encoded) }
            text = lowered(String(cString: encoded))
        }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, labels.allSatisfy(isLabel) else { return nil }
        return text
    }

    private static func lowered(_ text: String) -> String {
        guard text.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return text }
        return String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }

    /// Names with `_` are not for hosts, but some have them.
    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        guard (1...63).contains(label.count), label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else {
            return false
        }
        return label.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: "_")
        }
    }

    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    private static func literal(_ text: String) -> String? {
        let inside = text.utf8.dropFirst().dropLast()
        guard text.utf8.last == UInt8(ascii: "]"), !inside.isEmpty,
            inside.allSatisfy({
                (0x30...0x3A).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == UInt8(ascii: ".")
            })
        else { return nil }
        return text
    }
}
