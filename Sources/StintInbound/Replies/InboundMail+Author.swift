/// What the application may think of who a mail says that it is from.
public enum AuthorCheck: Sendable, Hashable {
    /// It is from this address, and a check of the service says that its domain sent it.
    case verified
    /// It says that it is from this address, and no check says more.
    case claimed
    /// It says that it is from this address, and the service's checks failed: it may be forged.
    case suspicious
    /// It is from somebody else.
    case other
}

extension InboundMail {
    /// Compares who the mail is from with the address of a member. Upper and lower case are the same. A mail is never from a
    /// member whose address is empty.
    ///
    /// A reply address with a signature shows that the sender has got the mail it was in. Together with `claimed` that is
    /// enough for a comment; take only `verified` for what must not be forged.
    public func author(is member: String) -> AuthorCheck {
        guard !member.isEmpty, authors.count == 1, let from, from.address.lowercased() == member.lowercased() else {
            return .other
        }
        if checks.dmarc == .fail { return .suspicious }
        if checks.dmarc == .pass || isAligned(checks.spf, envelopeDomain) || isSignedByAuthor { return .verified }
        if checks.spf == .fail && checks.dkim != .pass || checks.dkim == .fail {
            return .suspicious
        }
        return .claimed
    }

    private var envelopeDomain: String { envelopeSender.map { InboundAddress(address: $0).domain } ?? "" }

    private func isAligned(_ result: InboundChecks.Result?, _ domain: String) -> Bool {
        result == .pass && Self.isSameOrganisation(domain, from?.domain ?? "")
    }

    private var isSignedByAuthor: Bool {
        checks.dkim == .pass && checks.dkimDomains.contains { Self.isSameOrganisation($0, from?.domain ?? "") }
    }

    /// The same domain, or one below the other (RFC 7489, relaxed).
    private static func isSameOrganisation(_ left: String, _ right: String) -> Bool {
        guard !left.isEmpty, !right.isEmpty, left.contains("."), right.contains(".") else { return false }
        return left == right || left.hasSuffix("." + right) || right.hasSuffix("." + left)
    }

    /// Whether answering could go on for ever: it is a program's or a mail server's, comes from one of the application's own
    /// addresses, or was carried too often.
    ///
    /// - Parameter own: Tells the application's own addresses, such as ``ReplyAddresses/isOwn(_:)``.
    public func isLoop(own: (_ address: String) -> Bool = { _ in false }) -> Bool {
        kind != .person || authors.contains { own($0.address) } || envelopeSender.map(own) == true
            || headers(named: "Received").count > 30
    }
}
