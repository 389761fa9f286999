import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JobQueue {
    /// Enqueues a mail: a job for each domain of its recipients, whose group is that domain, or a job for each
    /// recipient if each has a bounce address of its own. All or none.
    ///
    /// So a limit of groups is a limit of a provider: `setLimits(of: "mail", groupConcurrency: 2, groupRate: .to(100,
    /// per: .seconds(60)))`.
    ///
    /// - Parameter options: Its headers and group are kept if it has them. The unique key and the idempotency key of
    ///   each job are these, a space, and the domain or the recipient.
    /// - Throws: ``StintError`` with the code `invalidInput` that says what is wrong with the message.
    @discardableResult
    public func enqueue(
        mail message: MailMessage, in queue: QueueName = "mail", options: JobOptions = JobOptions()
    ) async throws -> [Enqueued] {
        try await enqueue(jobs: message.jobs(in: queue, options: options))
    }
}

extension MailMessage {
    /// The jobs that ``StintCore/JobQueue/enqueue(mail:in:options:)`` adds.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` that says what is wrong with the message.
    public func jobs(in queue: QueueName, options: JobOptions = JobOptions()) throws -> [NewJob] {
        try check()
        var parts: [(name: String, envelope: MailEnvelope)] = []
        for envelope in try envelopes() {
            if bounces?.isPerRecipient == true {
                parts.append((envelope.recipients[0].address, envelope))
                continue
            }
            for recipient in envelope.recipients {
                if let index = parts.firstIndex(where: { $0.name == recipient.domain }) {
                    parts[index].envelope.recipients.append(recipient)
                } else {
                    parts.append((recipient.domain, MailEnvelope(sender: envelope.sender, recipients: [recipient])))
                }
            }
        }
        var message = self
        if parts.count > 1 {
            // All who get it get the same one.
            if message.messageID == nil { message.messageID = "stint-\(UUID().uuidString.lowercased())@\(from.domain)" }
            if message.date == nil { message.date = Date() }
        }
        // Each job has its own in its envelope, and none needs those of the others.
        if case .byRecipient? = bounces { message.bounces = nil }
        // As for any job with parameters, but encoded once for all.
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let payload = [UInt8](try encoder.encode(message))
        try Self.check(copies: parts.count, bytes: payload.count)
        return try parts.map { name, envelope in
            var options = options
            try options.headers.set(Headers.jobName, to: Self.jobName)
            try envelope.write(to: &options.headers)
            if options.group == nil {
                options.group = String(envelope.recipients[0].domain.prefix(NewJob.maximumGroupBytes))
            }
            options.uniqueKey = options.uniqueKey.map { "\($0) \(name)" }
            options.idempotencyKeys = options.idempotencyKeys.map { "\($0) \(name)" }
            return try NewJob(payload, in: queue, contentType: ContentType.json, options: options)
        }
    }
}
