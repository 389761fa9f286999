/// A mail that a client has sent, with its envelope.
package struct ReceivedMail: Hashable, Sendable {
    /// Empty: a mail that nobody is told of if it cannot be delivered.
    package let sender: String
    package let recipients: [String]
    /// The mail's bytes as they were sent, without the dots that SMTP adds.
    package let bytes: [UInt8]
    /// What the client called itself.
    package let clientName: String
    /// Whether some lines do not end with CR LF.
    package let hasBareLineEnds: Bool

    package init(sender: String, recipients: [String], bytes: [UInt8], clientName: String, hasBareLineEnds: Bool) {
        self.sender = sender
        self.recipients = recipients
        self.bytes = bytes
        self.clientName = clientName
        self.hasBareLineEnds = hasBareLineEnds
    }
}
