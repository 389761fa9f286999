import StintPlatform

/// An IP address, and whether a webhook may be sent to it.
package struct WebhookAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16.
    package let bytes: [UInt8]

    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads `192.0.2.1` and `2001:db8::1`, and no other spelling.
    package init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.bytes = Array(bytes[..<4])
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.bytes = bytes
        } else {
            return nil
        }
    }

    package var isVersion6: Bool { bytes.count == 16 }

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = bytes.withUnsafeBytes {
            inet_ntop(isVersion6 ? AF_INET6 : AF_INET, $0.baseAddress!, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Of what kind it is.
    package enum Kind: Sendable, Hashable {
        case global
        /// Of this machine, of a local network, or of a provider's: only for webhooks that allow them.
        case local(String)
        /// No service is there, or one that answers any program on the machine (a cloud's metadata): for no webhook.
        case refused(String)
    }

    package var kind: Kind { isVersion6 ? kindOf6 : Self.kind(of: bytes) }

    private static func kind(of bytes: [UInt8]) -> Kind {
        func isIn(_ network: [UInt8], _ bits: Int) -> Bool { hasPrefix(bytes, network, bits) }
        if isIn([127], 8) { return .local("a loopback address") }
        if isIn([10], 8) || isIn([172, 16], 12) || isIn([192, 168], 16) { return .local("a private address") }
        if isIn([100, 64], 10) { return .local("an address of a provider's network") }
        if isIn([169, 254], 16) { return .refused("a link-local address") }
        if isIn([0], 8) { return .refused("an unspecified address") }
        if isIn([224], 4) { return .refused("a multicast address") }
        if isIn([240], 4) { return .refused("a reserved or broadcast address") }
        if isIn([192, 0, 0], 24) || isIn([192, 0, 2], 24) || isIn([192, 88, 99], 24) || isIn([198, 18], 15)
            || isIn([198, 51, 100], 24) || isIn([203, 0, 113], 24)
        {
            return .refused("an address for documentation, tests or protocols")
        }
        return .global
    }

    private var kindOf6: Kind {
        func isIn(_ network: [UInt8], _ bits: Int) -> Bool { Self.hasPrefix(bytes, network, bits) }
        let embedded = Array(bytes[12...])
        // Mapped IPv4 addresses, and those behind NAT64, are what they stand for.
        if isIn([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96) { return Self.kind(of: embedded) }
        if isIn([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0], 96) { return Self.kind(of: embedded) }
        if bytes == [UInt8](repeating: 0, count: 15) + [1] { return .local("a loopback address") }
        if isIn([0xFC], 7) { return .local("a private address") }
        if isIn([0xFE, 0x80], 10) || isIn([0xFE, 0xC0], 10) { return .refused("a link-local address") }
        if isIn([0xFF], 8) { return .refused("a multicast address") }
        // Tunnels contain an IPv4 address that is not checked.
        if isIn([0x20, 0x01, 0, 0], 32) || isIn([0x20, 0x02], 16) { return .refused("an address of a tunnel") }
        if !isIn([0x20], 3) || isIn([0x20, 0x01, 0], 23) || isIn([0x20, 0x01, 0x0D, 0xB8], 32)
            || isIn([0x3F, 0xFF], 20)
        {
            return .refused("a reserved or unspecified address")
        }
        return .global
    }

    private static func hasPrefix(_ bytes: [UInt8], _ network: [UInt8], _ bits: Int) -> Bool {
        (0..<((bits + 7) / 8)).allSatisfy { index in
            let left = bits - index * 8
            let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
            return bytes[index] & mask == (index < network.count ? network[index] : 0) & mask
        }
    }

    /// Why a webhook must not be sent there; `nil`: it may.
    package func refusal(allowsPrivate: Bool) -> String? {
        switch kind {
        case .global: nil
        case .local(let what):
            allowsPrivate ? nil : "\(self) is \(what): allow it with --allow-private if that is meant"
        case .refused(let what): "\(self) is \(what), to which no webhook is sent"
        }
    }
}
