import StintCore

/// Where reports of failed deliveries go.
public enum BounceAddress: Sendable, Hashable {
    case address(MailAddress)
    /// One for each recipient (VERP), so that a report says by its own address whose it is: for `bounce@example.org`
    /// and the recipient `ada@example.net` it is `bounce+ada=example.net@example.org`. Each recipient gets a mail of
    /// its own. It is not signed, so anyone can send a report there: see ``byRecipient(_:)``.
    case perRecipient(MailAddress)
    /// One for each recipient, by the recipient's ``MailAddress/address``, as ``each(of:_:)`` makes them. Each recipient
    /// gets a mail of its own. A message with a recipient that has none is refused.
    case byRecipient([String: MailAddress])

    /// One for each of these recipients that the application makes, such as the signed ones of StintInbound:
    ///
    ///     message.bounces = try .each(of: message.recipients) { try MailAddress(bounces.address(for: $0.address)) }
    ///
    /// The message has the addresses then, and no key.
    public static func each(
        of recipients: [MailAddress], _ address: (_ recipient: MailAddress) throws -> MailAddress
    ) rethrows -> Self {
        .byRecipient(try recipients.reduce(into: [:]) { $0[$1.address] = try address($1) })
    }

    /// Whether each recipient gets a mail of its own.
    var isPerRecipient: Bool {
        switch self {
        case .address: false
        case .perRecipient, .byRecipient: true
        }
    }

    /// The sender of the envelope for this recipient.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if it would be too long, or the recipient has none.
    public func sender(for recipient: MailAddress) throws -> MailAddress {
        switch self {
        case .address(let address): return address
        case .perRecipient(let base):
            let plain = String(String.UnicodeScalarView(recipient.localPart.unicodeScalars.filter { $0 != "\"" }))
            return try MailAddress("\(base.localPart)+\(plain)=\(recipient.domain)@\(base.domain)")
        case .byRecipient(let addresses):
            guard let address = addresses[recipient.address] else {
                throw StintError.invalidInput(
                    "the bounce addresses by recipient ('bouncesByRecipient') have none for \(quoted(recipient.address)): give "
                        + "one for each")
            }
            return address
        }
    }
}
