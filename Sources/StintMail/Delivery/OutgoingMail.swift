import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A message as it is sent, with its envelope.
struct OutgoingMail {
    var bytes: [UInt8]
    var envelope: MailEnvelope

    /// The mail of a job: one, or one for each recipient if each has a bounce address of its own.
    ///
    /// - Throws: What is wrong with the job.
    static func all(of context: JobContext) throws -> [OutgoingMail] {
        guard context.job.events == nil else {
            throw StintError.invalidInput("the job is a digest, and a mail is a single job")
        }
        let payload = context.job.payload
        let given = try MailEnvelope(context.headers)
        if context.contentType.prefix(while: { $0 != ";" }).lowercased() == MailDelivery.messageContentType {
            guard let given else {
                throw StintError.invalidInput(
                    "the job has no header '\(MailEnvelope.recipientsHeader)': give it the recipients' addresses")
            }
            guard !payload.isEmpty else { throw StintError.invalidInput("the message is empty") }
            return [OutgoingMail(bytes: payload, envelope: given)]
        }
        let message: MailMessage
        do {
            message = try JSONDecoder().decode(MailMessage.self, from: Data(payload))
        } catch {
            throw StintError.invalidInput("the payload is no mail in JSON: \(error)")
        }
        try MailMessage.check(recipients: max(message.recipients.count, given?.recipients.count ?? 0))
        let envelopes = try given.map { [$0] } ?? message.envelopes()
        guard envelopes.contains(where: { !$0.recipients.isEmpty }) else {
            throw StintError.invalidInput("the message has no recipient: put an address into 'to', 'cc' or 'bcc'")
        }
        return try all(of: message, envelopes, id: id(of: context, payload), date: context.enqueuedAt)
    }

    /// The same of a message that was written for this attempt of a job.
    ///
    /// - Throws: What is wrong with the message.
    static func all(of message: MailMessage, writtenFor context: JobContext) throws -> [OutgoingMail] {
        try MailMessage.check(recipients: message.recipients.count)
        let envelopes = try message.envelopes()
        guard envelopes.contains(where: { !$0.recipients.isEmpty }) else {
            throw StintError.invalidInput("the message has no recipient: put an address into 'to', 'cc' or 'bcc'")
        }
        // The job may have waited for long, as a digest does: the mail is of today.
        return try all(of: message, envelopes, id: id(of: context, context.job.payload), date: Date())
    }

    /// The same for each attempt, and another one for each job, also of another database.
    private static func id(of context: JobContext, _ payload: [UInt8]) -> String {
        let enqueued = Int64((context.enqueuedAt.timeIntervalSince1970 * 1_000).rounded())
        return "stint-\(context.id)-\(enqueued)-\(FNV1a.text(payload))"
    }

    private static func all(
        of message: MailMessage, _ envelopes: [MailEnvelope], id: String, date: Date
    ) throws -> [OutgoingMail] {
        let bytes = try message.rfc822(id: id, date: date)
        let needed = [message.from] + message.to + message.cc + message.replyTo
        if let address = needed.first(where: \.needsSMTPUTF8) {
            let carried = envelopes.allSatisfy { envelope in
                (envelope.recipients + [envelope.sender].compactMap(\.self)).contains(where: \.needsSMTPUTF8)
            }
            guard carried else {
                throw StintError.invalidInput(
                    "the address \(quoted(address.address)) has letters outside ASCII before its '@', and stands in a message "
                        + "to and from others that have none: servers would take it for damaged")
            }
        }
        return envelopes.map { OutgoingMail(bytes: bytes, envelope: $0) }
    }
}
