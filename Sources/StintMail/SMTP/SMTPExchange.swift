/// How one use of a connection that was ready for mail has ended, and what that means for the message. Pure rules.
///
/// | what happened | kind |
/// |---|---|
/// | no connection, no TLS, the server refuses the connection or the credentials | unreachable; see ``SMTPHandshake`` |
/// | 421, 530 or 538 to MAIL, or the connection was lost there | unreachable; see ``SMTPFailure/isAtMail`` |
/// | 4xx to MAIL, to all recipients, to DATA or after the message | temporary |
/// | the connection was lost after MAIL and before the end of the message | temporary |
/// | 5xx to MAIL, to all recipients, to DATA or after the message | permanent |
/// | the connection was lost after the end of the message, and no answer came | outcome unknown |
struct SMTPExchange {
    let transaction: SMTPTransaction
    /// Whether the connection was there from an earlier message.
    let isReused: Bool
    /// Why the connection is of no use any more; `nil`: the transaction came to its end.
    let problem: SMTPProblem?

    private var text: String {
        problem?.text ?? transaction.unexpected.map { "an answer that does not fit its command: \($0)" }
            ?? "it was closed"
    }
    private func reply(_ step: SMTPTransaction.Step) -> SMTPReply? { transaction.replies[step] }

    /// Whether the server had closed a connection that was kept, before it heard of this message.
    var isStale: Bool {
        guard isReused, problem?.isCancellation != true else { return false }
        return reply(.mail) == nil || reply(.mail)?.code == 421
    }

    /// Whether the connection is for the next message too: the server has answered all, and took or refused this message as a
    /// whole. After any other refusal it still has a part of it in mind.
    var keepsConnection: Bool { problem == nil && transaction.isComplete && reply(.message) != nil }

    func result(_ envelope: MailEnvelope, _ server: SMTPServer) -> Result<SMTPReceipt, SMTPFailure> {
        let refusals = envelope.recipients.enumerated().compactMap { index, recipient in
            reply(.recipient(index)).flatMap { reply in
                reply.code >= 400 ? SMTPRefusal(recipient: recipient, reply: reply) : nil
            }
        }
        if let reply = reply(.message), (200..<300).contains(reply.code) {
            let refused = Set(refusals.map(\.recipient.address))
            let accepted = envelope.recipients.filter { !refused.contains($0.address) }
            return .success(SMTPReceipt(accepted: accepted, refusals: refusals, reply: reply))
        }
        return .failure(failure(refusals, envelope, server))
    }

    private func failure(
        _ refusals: [SMTPRefusal], _ envelope: MailEnvelope, _ server: SMTPServer
    ) -> SMTPFailure {
        if problem?.isCancellation == true { return .cancelled(before: server) }
        if let failure = failureAtMail(envelope, server) { return failure }
        if let reply = reply(.message), reply.code >= 400 {
            return refusal(reply, "\(server.host) has refused the message")
        }
        if transaction.isContentSent {
            return SMTPFailure(
                .outcomeUnknown,
                "the connection to \(server.host) was lost after the whole message was sent and before the answer came "
                    + "(\(text)): it may have been delivered; it is sent again with the same Message-ID")
        }
        if let last = refusals.last?.reply, refusals.count == envelope.recipients.count {
            let isMixed = Set(refusals.map(\.reply.isPermanent)).count > 1
            let words = refusals.prefix(3).map { "\($0.recipient.address): \($0.reply)" }.joined(separator: "; ")
            return SMTPFailure(
                isMixed || last.isTemporary ? .temporary : .permanent,
                "\(server.host) has refused \(refusals.count == 1 ? "the recipient" : "all recipients"): \(words)",
                reply: last, refusals: refusals)
        }
        // What is said to DATA when all recipients are refused is not about the message.
        if let reply = reply(.data), reply.code >= 400 {
            return refusal(reply, "\(server.host) has refused DATA")
        }
        if let reply = refusals.last?.reply, reply.code == 421 {
            return refusal(reply, "\(server.host) has ended the connection")
        }
        return SMTPFailure(.temporary, "the connection to \(server.host) was lost during the message: \(text)")
    }

    private func refusal(_ reply: SMTPReply, _ what: String) -> SMTPFailure {
        SMTPFailure(reply.isPermanent ? .permanent : .temporary, "\(what): \(reply)", reply: reply)
    }

    /// `nil` if the server has taken MAIL.
    private func failureAtMail(_ envelope: MailEnvelope, _ server: SMTPServer) -> SMTPFailure? {
        guard let reply = reply(.mail) else {
            return SMTPFailure(.unreachable, "the mail server \(server) cannot be used: \(text)", isAtMail: true)
        }
        // 421: it takes nothing now. 530: it wants credentials or TLS. 538: it wants TLS.
        if [421, 530, 538].contains(reply.code) {
            return SMTPFailure(
                .unreachable, "the mail server \(server) cannot be used: \(reply)", reply: reply, isAtMail: true)
        }
        guard reply.code >= 400 else { return nil }
        return refusal(reply, "\(server.host) has refused the sender \(envelope.sender?.address ?? "<>")")
    }
}
