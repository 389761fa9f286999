import HTTPTypes
import StintCore

/// Who may use a server, and from where.
public struct Access: Sendable {
    /// How a sender becomes a user.
    enum Mode: Sendable {
        /// Everybody who can reach it; only for loopback, or for looking.
        case open(Role)
        case credentials(Credentials)
        /// The application that mounts the dashboard says it.
        case application
    }

    let mode: Mode
    /// What everybody may do at most.
    public var mostRole = Role.admin
    /// The names by which browsers may call the server, besides IP addresses and `localhost`. DNS rebinding needs a
    /// name.
    public var hostNames: Set<String> = []
    /// The addresses of proxies whose `X-Forwarded-Proto` and user header are believed.
    public var trustedProxies: Set<String> = []
    /// The header in which a trusted proxy names a user of the credentials.
    public var proxyUserHeader: String?

    /// Everybody who can reach the server has this role.
    public static func open(_ role: Role) -> Access { Access(mode: .open(role)) }

    public static func credentials(_ credentials: Credentials) -> Access { Access(mode: .credentials(credentials)) }

    /// The application that mounts the dashboard has users of its own, and says which of them sends a request:
    /// ``Dashboard/addRoutes(to:user:)``. Whoever it does not name is refused.
    public static let application = Access(mode: .application)

    /// Whether the server may listen at an address that other machines can reach.
    public var isSafeForNetworks: Bool {
        switch mode {
        case .open(let role): role == .view
        case .credentials, .application: true
        }
    }

    var needsSignIn: Bool { if case .credentials = mode { true } else { false } }
}

/// What is known of the sender of a request.
struct Sender {
    var user: WebUser?
    /// Whether a browser may have sent it without its user's knowledge: it needs no header that only a program can set.
    var isAmbient: Bool
    var isSecure: Bool
    var session: String?
    /// The secret of a browser that signs in.
    var formSecret: String?
}

extension Access {
    static let sessionCookie = "stint-session"
    static let secureSessionCookie = "__Host-stint-session"

    /// - Parameter peer: The address that the connection comes from; `nil`: not known.
    func sender(_ headers: HTTPFields, peer: String?, _ sessions: Sessions) -> Sender {
        var sender = identified(headers, peer: peer, sessions)
        sender.formSecret = Self.cookie(headers, [FormTokens.cookie])
        sender.user = sender.user.map { WebUser(name: $0.name, role: min($0.role, mostRole)) }
        return sender
    }

    private func identified(_ headers: HTTPFields, peer: String?, _ sessions: Sessions) -> Sender {
        let isFromProxy = peer.map(trustedProxies.contains) ?? false
        let isSecure = isFromProxy && headers[.init("x-forwarded-proto")!]?.lowercased() == "https"
        var sender = Sender(user: nil, isAmbient: true, isSecure: isSecure)
        switch mode {
        case .open(let role): sender.user = WebUser(name: "local", role: role)
        // It is asked later.
        case .application: break
        case .credentials(let credentials):
            if let field = headers[.authorization] {
                // A wrong token is not made good by a cookie.
                sender.isAmbient = false
                guard field.lowercased().hasPrefix("bearer ") else { return sender }
                sender.user = credentials.user(token: String(field.dropFirst(7)))
                return sender
            }
            if isFromProxy, let name = proxyUserHeader.flatMap({ HTTPField.Name($0) }), let user = headers[name] {
                sender.user = credentials.user(named: user)
                return sender
            }
            if let secret = Self.cookie(headers, [Self.secureSessionCookie, Self.sessionCookie]) {
                sender.user = sessions.user(secret)
                sender.session = secret
            }
        }
        return sender
    }

    private static func cookie(_ headers: HTTPFields, _ names: [String]) -> String? {
        let pairs = headers[values: .cookie].flatMap { $0.split(separator: ";") }
            .map { $0.split(separator: "=", maxSplits: 1).map { $0.trimmingPrefix(" ") } }
        for name in names {
            if let pair = pairs.first(where: { $0.count == 2 && $0[0] == name }) { return String(pair[1]) }
        }
        return nil
    }

    // MARK: - Where a request comes from

    /// Refuses a name that no one has given the server: a page of another site whose name now leads here (DNS
    /// rebinding) would be of the same origin as the server's pages.
    func checkHost(_ authority: String?) throws {
        guard let authority, let host = Self.host(of: authority) else {
            throw WebError(.badRequest, "the request names no host; expected a header Host")
        }
        guard host == "localhost" || Self.isAddress(host) || hostNames.contains(host) else {
            throw WebError(
                .misdirectedRequest,
                "this server is not called \(host): open it by its address, or start it with --host-name \(host)")
        }
    }

    /// Refuses changes that a page of another site has sent (CSRF).
    ///
    /// - Parameters:
    ///   - isJSON: Whether the body is JSON, which forms cannot send.
    ///   - hasSecret: Whether a cookie has a secret that a form can prove to know.
    /// - Returns: Whether the form must do so (``FormTokens``), since the headers do not tell where it comes from.
    func checkOrigin(
        _ headers: HTTPFields, authority: String?, isJSON: Bool, hasSecret: Bool
    ) throws -> Bool {
        func refuse(_ what: String) -> WebError {
            WebError(.forbidden, "\(what): changes are accepted from this server's own pages only")
        }
        let site = headers[.init("sec-fetch-site")!]
        if let site, site != "same-origin", site != "none" { throw refuse("the request comes from another site") }
        // Pages without a referrer send `null`, also to their own server.
        let origin = headers[.origin].flatMap { $0 == "null" && site != nil ? nil : $0 }
        if let origin {
            if origin == "null", hasSecret, !isJSON { return true }
            guard origin != "null" else {
                throw refuse(
                    "the browser hides where the request comes from, as it does without TLS (open this server by https, or on its own machine as 127.0.0.1)"
                )
            }
            guard let from = origin.split(separator: "/", maxSplits: 2).last, origin.hasPrefix("http"),
                let authority, from.lowercased() == authority.lowercased()
            else { throw refuse("the request comes from \(origin)") }
        }
        guard site != nil || origin != nil || isJSON else {
            throw refuse("the request does not tell where it comes from, by Origin or Sec-Fetch-Site")
        }
        return false
    }

    private static func host(of authority: String) -> String? {
        guard authority.utf8.count <= 255, !authority.contains("@") else { return nil }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        return authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first
            .map { $0.lowercased() }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func isAddress(_ host: String) -> Bool {
        if host.contains(":") {
            return host.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit || $0 == 58 || $0 == 46 }
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
