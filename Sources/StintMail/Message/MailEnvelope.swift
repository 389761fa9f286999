import StintCore

/// From whom and to whom a server carries a message. What the message itself says does not count for that.
public struct MailEnvelope: Sendable, Hashable {
    /// The header of a job with the sender's address; empty for none.
    public static let senderHeader = "mail-from"
    /// The header of a job with the recipients' addresses, with commas between.
    public static let recipientsHeader = "mail-to"

    /// Where reports of failed deliveries go; `nil`: there are none, as for reports themselves.
    public var sender: MailAddress?
    public var recipients: [MailAddress]

    public init(sender: MailAddress?, recipients: [MailAddress]) {
        self.sender = sender
        self.recipients = recipients
    }

    /// Reads it from a job's headers.
    ///
    /// - Returns: `nil` if there is no ``recipientsHeader``.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init?(_ headers: Headers) throws {
        guard let list = headers[Self.recipientsHeader] else { return nil }
        guard let sender = headers[Self.senderHeader] else {
            throw StintError.invalidInput(
                "the job has the header '\(Self.recipientsHeader)' and no '\(Self.senderHeader)': give the address that gets "
                    + "bounces, or an empty one for none")
        }
        self.init(
            sender: sender.isEmpty || sender == "<>" ? nil : try MailAddress(sender),
            recipients: try Self.split(list).map { try MailAddress($0) })
        guard !recipients.isEmpty else {
            throw StintError.invalidInput(
                "the header '\(Self.recipientsHeader)' names no recipient: give one address or more")
        }
    }

    /// Writes it into a job's headers.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if there are too many recipients.
    public func write(to headers: inout Headers) throws {
        try headers.set(Self.senderHeader, to: sender?.address ?? "")
        try headers.set(Self.recipientsHeader, to: recipients.map(\.address).joined(separator: ","))
    }

    /// At commas that are not in quotes.
    private static func split(_ list: String) -> [String] {
        var items: [String] = [""]
        var isQuoted = false
        var isEscaped = false
        for scalar in list.unicodeScalars {
            if scalar == ",", !isQuoted {
                items.append("")
                continue
            }
            items[items.count - 1].unicodeScalars.append(scalar)
            if scalar == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = scalar == "\\" && !isEscaped
        }
        return items.filter { !$0.allSatisfy { $0 == " " } }
    }
}
