/// The address of a webhook's receiver, in parts. One that exists is valid; it has been read here and nowhere else, so
/// that what was checked is what is connected to.
public struct WebhookURL: Sendable, Hashable, CustomStringConvertible {
    public static let maximumBytes = 2_000

    public let isSecure: Bool
    /// A name in small letters, or an IP address without brackets.
    public let host: String
    public let port: Int
    /// With the query; begins with a slash.
    public let path: String
    public let description: String

    package var literal: WebhookAddress? { WebhookAddress(host) }

    /// As in the header `Host`.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// For people who may not know the rest, which often is a secret.
    public var origin: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(_ text: String) throws {
        func reject(_ why: String) -> StintError {
            .invalidInput("the webhook's address \(why); expected one such as https://hooks.example.com/stint")
        }
        guard (1...Self.maximumBytes).contains(text.utf8.count) else {
            throw reject("has \(text.utf8.count) bytes, and may have 1 to \(Self.maximumBytes)")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !text.contains("\\") else {
            throw reject("has white space, a backslash or characters that are not ASCII")
        }
        guard let end = text.firstRange(of: "://") else { throw reject("has no scheme") }
        switch text[..<end.lowerBound].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: throw reject("has another scheme than http and https")
        }
        let rest = text[end.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest.dropFirst(authority.count)
        guard !path.contains("#") else { throw reject("has a fragment, which no receiver gets") }
        guard !authority.contains("@") else {
            throw reject("has a user or a password, which would be shown: a signature proves who sends")
        }
        var name = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { throw reject("has a bracket that is not closed") }
            name = authority[authority.index(after: authority.startIndex)..<close]
            let tail = authority[authority.index(after: close)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw reject("has text after its IPv6 address") }
            port = tail.isEmpty ? nil : tail.dropFirst()
            guard !name.contains("%") else { throw reject("has a zone of one machine's network") }
            guard let address = WebhookAddress(String(name)), address.isVersion6 else {
                throw reject("has brackets around what is no IPv6 address")
            }
            host = address.description
        } else {
            if let colon = authority.firstIndex(of: ":") {
                name = authority[..<colon]
                port = authority[authority.index(after: colon)...]
            }
            host = name.lowercased()
            try Self.check(host, reject)
        }
        if let port {
            guard let number = UInt16(port), number > 0, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw reject("has no port from 1 to 65535 after the colon")
            }
            self.port = Int(number)
        } else {
            self.port = isSecure ? 443 : 80
        }
        self.path = path.isEmpty ? "/" : path.hasPrefix("/") ? String(path) : "/\(path)"
        description = text
    }

    private static func check(_ host: String, _ reject: (String) -> StintError) throws {
        guard WebhookAddress(host) == nil else { return }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            (1...253).contains(host.utf8.count)
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy {
                        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
                    }
            }
        guard isName else { throw reject("has no valid name of a host") }
        // 127.1, 0x7f000001 and 2130706433 are addresses for some programs, and names for none.
        let last = labels.last!
        guard last.utf8.contains(where: { !(0x30...0x39).contains($0) }), !last.hasPrefix("0x") else {
            throw reject("has a host of digits that is no IP address of four numbers")
        }
    }
}
