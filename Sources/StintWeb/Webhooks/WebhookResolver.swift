import NIOPosix
import StintCore
import StintPlatform

/// Finds the addresses of a receiver, and refuses those to which no webhook is sent.
struct WebhookResolver: Sendable {
    /// Looks a name up.
    var look: @Sendable (_ host: String) async throws -> [WebhookAddress] = Self.system

    /// What may be connected to; exactly these, so that a name that changes in between changes nothing.
    func addresses(of url: WebhookURL, allowsPrivate: Bool) async throws -> [WebhookAddress] {
        let found = if let literal = url.literal { [literal] } else { try await look(url.host) }
        guard !found.isEmpty else { throw WebhookFailure("the name \(quoted(url.host)) has no address") }
        let refusals = found.compactMap { $0.refusal(allowsPrivate: allowsPrivate) }
        let allowed = found.filter { $0.refusal(allowsPrivate: allowsPrivate) == nil }
        guard allowed.isEmpty else { return allowed }
        throw WebhookFailure("the address of \(quoted(url.host)) is refused: \(refusals[0])")
    }

    /// In the order in which the system would try them.
    @Sendable private static func system(_ host: String) async throws -> [WebhookAddress] {
        try await NIOThreadPool.singleton.runIfActive {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_family = AF_UNSPEC
            var list: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, nil, &hints, &list)
            guard code == 0 else {
                throw WebhookFailure("the name \(quoted(host)) was not found: \(String(cString: gai_strerror(code)))")
            }
            defer { freeaddrinfo(list) }
            var addresses: [WebhookAddress] = []
            var next = list
            while let entry = next?.pointee {
                next = entry.ai_next
                guard let raw = entry.ai_addr, let address = address(UnsafeRawPointer(raw), entry.ai_family) else {
                    continue
                }
                if !addresses.contains(address) { addresses.append(address) }
            }
            return addresses
        }
    }

    private static func address(_ raw: UnsafeRawPointer, _ family: Int32) -> WebhookAddress? {
        switch family {
        case AF_INET:
            let address = raw.loadUnaligned(as: sockaddr_in.self)
            return WebhookAddress(bytes: withUnsafeBytes(of: address.sin_addr) { Array($0) })
        case AF_INET6:
            let address = raw.loadUnaligned(as: sockaddr_in6.self)
            return WebhookAddress(bytes: withUnsafeBytes(of: address.sin6_addr) { Array($0) })
        default: return nil
        }
    }
}

/// Why a message could not be sent.
struct WebhookFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
