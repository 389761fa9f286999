/// Bounce addresses of StintMail that say whose they are: `bounce+ada=example.net@example.org`. They are not signed, so
/// anyone can write one: ``BounceAddresses`` are.
public enum VERP {
    /// - Parameters:
    ///   - address: That a bounce was sent to.
    ///   - base: As in `MailMessage.bounces = .perRecipient(base)`.
    /// - Returns: The recipient whose mail came back; `nil` if the address is another.
    public static func recipient(of address: String, base: String) -> String? {
        let address = AddressList.withoutBrackets(address)
        guard let baseAt = base.lastIndex(of: "@"), let at = address.lastIndex(of: "@"),
            address[at...].lowercased() == base[baseAt...].lowercased()
        else { return nil }
        let start = base[..<baseAt].lowercased() + "+"
        let local = address[..<at]
        guard local.lowercased().hasPrefix(start), start.count < local.count else { return nil }
        let recipient = local.dropFirst(start.count)
        guard let equals = recipient.lastIndex(of: "="), equals != recipient.startIndex else { return nil }
        let domain = recipient[recipient.index(after: equals)...]
        guard !domain.isEmpty else { return nil }
        return "\(recipient[..<equals])@\(domain)"
    }
}

extension InboundMail {
    /// For whom the mail was not delivered: what the bounce address says, or else what the report says.
    ///
    /// A report can be forged, and so can the address: use ``bouncedRecipients(of:at:)`` for what must not be. Take several,
    /// over days, before you give a member's address up.
    ///
    /// - Parameter base: As in `MailMessage.bounces = .perRecipient(base)`.
    public func bouncedRecipients(base: String) -> [Bounce] {
        guard kind == .bounce else { return [] }
        let named = recipients.compactMap { VERP.recipient(of: $0, base: base) }
        // The address that Stint made is more exact than a report, which may name where a mail was forwarded to.
        if let first = named.first {
            var bounce = bounces.first { $0.recipient.lowercased() == first.lowercased() } ?? bounces.first
            bounce?.recipient = first
            return [bounce ?? Bounce(recipient: first)]
        }
        return bounces
    }
}
