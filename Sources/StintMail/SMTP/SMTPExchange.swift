import CCurl

/// How one use of a connection has ended, and what that means for the message. Pure rules.
///
/// | what happened | kind |
/// |---|---|
/// | no connection, no TLS, the server refuses the connection or the credentials | unreachable |
/// | 421, 530 or 538 to MAIL, or the connection was lost there | unreachable; see ``SMTPFailure/isAtMail`` |
/// | 4xx to MAIL, to all recipients, to DATA or after the message | temporary |
/// | the connection was lost after MAIL and before the end of the message | temporary |
/// | 5xx to MAIL, to all recipients, to DATA or after the message | permanent |
/// | the connection was lost after the end of the message, and no answer came | outcome unknown |
struct SMTPExchange {
    let code: CURLcode
    /// Whether the connection was there from an earlier message.
    let isReused: Bool
    /// libcurl's own words.
    let text: String
    let dialogue: SMTPDialogue?

    private var step: SMTPDialogue.Step { dialogue?.step ?? .connecting }
    private func reply(_ step: SMTPDialogue.Step) -> SMTPReply? { dialogue?.replies[step] }

    /// Whether the server had closed a connection that was kept, before it heard of this message.
    var isStale: Bool {
        guard isReused, code != CURLE_OK, code != CURLE_ABORTED_BY_CALLBACK else { return false }
        switch step {
        case .mail, .other: return reply(step) == nil || reply(step)?.code == 421
        default: return false
        }
    }

    func result(_ envelope: MailEnvelope, _ server: SMTPServer) -> Result<SMTPReceipt, SMTPFailure> {
        let refusals = envelope.recipients.enumerated().compactMap { index, recipient in
            reply(.recipient(index)).flatMap { reply in
                reply.code >= 400 ? SMTPRefusal(recipient: recipient, reply: reply) : nil
            }
        }
        // libcurl takes any answer but 250 for an error.
        if let reply = reply(.end), (200..<300).contains(reply.code) {
            let refused = Set(refusals.map(\.recipient.address))
            let accepted = envelope.recipients.filter { !refused.contains($0.address) }
            return .success(SMTPReceipt(accepted: accepted, refusals: refusals, reply: reply))
        }
        return .failure(failure(refusals, envelope, server))
    }

    private func failure(
        _ refusals: [SMTPRefusal], _ envelope: MailEnvelope, _ server: SMTPServer
    ) -> SMTPFailure {
        if code == CURLE_ABORTED_BY_CALLBACK {
            return SMTPFailure(.cancelled, "the delivery was cancelled before \(server.host) had the message")
        }
        if let failure = failureBeforeMail(server) { return failure }
        if let reply = reply(.end), reply.code >= 400 {
            return refusal(reply, "\(server.host) has refused the message")
        }
        if dialogue?.isMessageSent == true {
            return SMTPFailure(
                .outcomeUnknown,
                "the connection to \(server.host) was lost after the whole message was sent and before the answer came "
                    + "(\(text)): it may have been delivered; it is sent again with the same Message-ID")
        }
        if let reply = reply(.data), reply.code >= 400 {
            return refusal(reply, "\(server.host) does not want the message")
        }
        if let last = refusals.last?.reply, refusals.count == envelope.recipients.count {
            let isMixed = Set(refusals.map(\.reply.isPermanent)).count > 1
            let words = refusals.prefix(3).map { "\($0.recipient.address): \($0.reply)" }.joined(separator: "; ")
            return SMTPFailure(
                isMixed || last.isTemporary ? .temporary : .permanent,
                "\(server.host) has refused \(refusals.count == 1 ? "the recipient" : "all recipients"): \(words)",
                reply: last, refusals: refusals)
        }
        if let reply = refusals.last?.reply, reply.code == 421 {
            return refusal(reply, "\(server.host) has ended the connection")
        }
        if let reply = reply(.mail), reply.code >= 400 {
            let sender = envelope.sender?.address ?? "<>"
            return refusal(reply, "\(server.host) has refused the sender \(sender)")
        }
        return SMTPFailure(.temporary, "the connection to \(server.host) was lost during the message: \(text)")
    }

    private func refusal(_ reply: SMTPReply, _ what: String) -> SMTPFailure {
        SMTPFailure(reply.isPermanent ? .permanent : .temporary, "\(what): \(reply)", reply: reply)
    }

    /// `nil` if the server was ready for the message.
    private func failureBeforeMail(_ server: SMTPServer) -> SMTPFailure? {
        func unreachable(_ why: String, _ reply: SMTPReply?) -> SMTPFailure {
            SMTPFailure(
                .unreachable, "the mail server \(server) cannot be used: \(why)", reply: reply, isAtMail: step == .mail)
        }
        if step == .mail {
            guard let reply = reply(.mail) else { return unreachable(text, nil) }
            // 421: it takes nothing now. 530: it wants credentials or TLS. 538: it wants TLS.
            return [421, 530, 538].contains(reply.code) ? unreachable("\(reply)", reply) : nil
        }
        guard step.isBeforeMail else { return nil }
        guard let reply = reply(step), reply.code >= 400 else { return unreachable(text, nil) }
        return unreachable("\(reply)", reply)
    }

    /// Of a question whether the server is there; `nil` if it is.
    func failureOfLook(_ server: SMTPServer) -> SMTPFailure? {
        // Any answer to NOOP is a sign of life, but for one that ends the connection.
        if code == CURLE_OK { return nil }
        if let reply = reply(.other), reply.code != 421 { return nil }
        if code == CURLE_ABORTED_BY_CALLBACK {
            return SMTPFailure(.cancelled, "the look at \(server.host) was cancelled")
        }
        return failureBeforeMail(server)
            ?? SMTPFailure(
                .unreachable, "the mail server \(server) cannot be used: \(reply(.other).map { "\($0)" } ?? text)",
                reply: reply(.other))
    }
}
