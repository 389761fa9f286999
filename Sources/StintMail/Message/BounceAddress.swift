import StintCore

/// Where reports of failed deliveries go.
public enum BounceAddress: Sendable, Hashable {
    case address(MailAddress)
    /// One for each recipient (VERP), so that a report says by its own address whose it is: for `bounce@example.org`
    /// and the recipient `ada@example.net` it is `bounce+ada=example.net@example.org`. Each recipient gets a mail of
    /// its own. It is not signed, so anyone can send a report there: see ``each(_:)``.
    case perRecipient(MailAddress)
    /// One for each recipient that the application makes: ``each(_:)``.
    case made(RecipientBounces)

    /// One for each recipient, such as the signed ones of StintInbound:
    ///
    ///     message.bounces = .each { try MailAddress(bounces.address(for: $0.address)) }
    ///
    /// Each recipient gets a mail of its own. The addresses are made when the mail is enqueued or encoded, so a job has them
    /// and no key.
    public static func each(_ make: @escaping @Sendable (_ recipient: MailAddress) throws -> MailAddress) -> Self {
        .made(RecipientBounces(make))
    }

    /// Whether each recipient gets a mail of its own.
    var isPerRecipient: Bool {
        switch self {
        case .address: false
        case .perRecipient, .made: true
        }
    }

    /// The sender of the envelope for this recipient.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if it would be too long; what the application's function throws.
    public func sender(for recipient: MailAddress) throws -> MailAddress {
        switch self {
        case .address(let address): return address
        case .perRecipient(let base):
            let plain = String(String.UnicodeScalarView(recipient.localPart.unicodeScalars.filter { $0 != "\"" }))
            return try MailAddress("\(base.localPart)+\(plain)=\(recipient.domain)@\(base.domain)")
        case .made(let bounces): return try bounces.sender(for: recipient)
        }
    }
}

/// Bounce addresses that an application makes for the recipients of a mail.
public struct RecipientBounces: Sendable, Hashable {
    /// Two of these are equal if they are the same.
    private final class Function: Sendable, Hashable {
        let make: @Sendable (MailAddress) throws -> MailAddress

        init(_ make: @escaping @Sendable (MailAddress) throws -> MailAddress) { self.make = make }
        static func == (left: Function, right: Function) -> Bool { left === right }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
    }

    private enum Source: Hashable {
        case function(Function)
        /// By the recipients' addresses.
        case table([String: MailAddress])
    }

    private let source: Source

    init(_ make: @escaping @Sendable (MailAddress) throws -> MailAddress) { source = .function(Function(make)) }
    init(_ table: [String: MailAddress]) { source = .table(table) }

    func sender(for recipient: MailAddress) throws -> MailAddress {
        switch source {
        case .function(let function): return try function.make(recipient)
        case .table(let table):
            guard let sender = table[recipient.address] else {
                throw StintError.invalidInput(
                    "'bouncesByRecipient' has no address for the recipient \(quoted(recipient.address)): give one for each"
                )
            }
            return sender
        }
    }

    /// As JSON has it.
    func table(of recipients: [MailAddress]) throws -> [String: MailAddress] {
        try Dictionary(recipients.map { ($0.address, try sender(for: $0)) }) { first, _ in first }
    }
}
