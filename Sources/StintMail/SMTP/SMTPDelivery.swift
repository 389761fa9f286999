/// A message to be sent over some connection.
struct SMTPDelivery: Sendable {
    /// Its lines end with CRLF.
    let message: [UInt8]
    let envelope: MailEnvelope
    /// What the server must offer.
    let needed: [SMTPExtension]
    let cancellation: SMTPCancellation
    /// Called once.
    let finish: @Sendable (Result<SMTPReceipt, SMTPFailure>) -> Void

    func transaction(_ connection: SMTPConnection) -> SMTPTransaction {
        SMTPTransaction(envelope, size: message.count, capabilities: connection.capabilities)
    }
}
