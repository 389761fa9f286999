import Foundation
import Logging
import StintCore
import StintMail
import StintWorker

extension Notifications {
    /// The mail of a job, from the data as they are now; `nil`: there is nothing to send, and the job is done.
    ///
    /// - Throws: ``StintCore/JobVerdict``, or what the source throws.
    public func message(for context: JobContext) async throws -> MailMessage? {
        switch context.headers[Headers.jobName] {
        case MemberEvent.singleName: return try await single(context)
        case MemberEvent.digestName: return try await digest(context)
        case let name:
            throw JobVerdict.bury("the job \(quoted(name ?? "without a name")) is no notification")
        }
    }

    private func single(_ context: JobContext) async throws -> MailMessage? {
        let job: MemberEvent
        do {
            job = try reader.read(context.job.payload)
        } catch {
            throw JobVerdict.bury("the notification does not decode: \(error)")
        }
        let event = job.event
        func skip(_ cause: SkippedNotification.Cause, _ reason: String) {
            self.skip(
                SkippedNotification(member: job.member, event: event, cause: cause, reason: reason), context.logger)
        }
        guard let recipient = try await source.recipient(job.member) else {
            skip(.noRecipient, "the member is no longer there")
            return nil
        }
        guard let address = address(of: recipient) else {
            skip(.invalid, "the address \(quoted(recipient.address)) is none")
            return nil
        }
        let now = now()
        let timing = try await source.timing(of: event, for: recipient)
        if timing == .nothing {
            skip(.unwanted, "the member does not want it any more")
            return nil
        }
        if timing.isDigest {
            return try await collect(job, recipient, address, timing, now, context)
        }
        if let end = hours.endOfQuiet(at: now, recipient.quiet, zone: recipient.timeZone) {
            throw JobVerdict.release(after: .milliseconds(Int64((end.timeIntervalSince(now) * 1_000).rounded(.up))))
        }
        let values: [String: NotificationValue]
        switch try await source.content(of: event, for: recipient) {
        case .visible(let visible): values = visible
        case .gone(let reason):
            skip(.gone, reason)
            return nil
        case .hidden(let reason):
            skip(.hidden, reason)
            return nil
        case .invalid(let reason):
            throw JobVerdict.bury("the notification '\(event.kind)' cannot be written: \(reason)")
        }
        if let wrong = Self.problem(of: values) { throw JobVerdict.bury("the notification '\(event.kind)': \(wrong)") }
        let headers = try await source.headers(of: [event], for: recipient, digest: nil)
        let all = values.merging(["event": Self.view(event)]) { old, _ in old }
        return try write(event.kind, all, text: nil, headers, recipient, address)
    }

    /// The member has changed to digests since the fan-out: the event joins theirs.
    private func collect(
        _ job: MemberEvent, _ recipient: NotificationRecipient, _ address: MailAddress, _ timing: NotificationTiming,
        _ now: Date, _ context: JobContext
    ) async throws -> MailMessage? {
        do {
            let digest = try self.job(
                context.job.payload, member: job.member, domain: address.domain, timing, quiet: nil,
                zone: recipient.timeZone, now: now)
            try await context.ack(enqueueing: [digest])
        } catch let error as NotForThisMember {
            skip(
                SkippedNotification(member: job.member, event: job.event, cause: error.cause, reason: error.reason),
                context.logger)
        }
        return nil
    }

    func address(of recipient: NotificationRecipient) -> MailAddress? {
        // A name that cannot stand in a header is no reason to send nothing.
        if let name = recipient.name, let address = try? MailAddress(recipient.address, name: name) { return address }
        return try? MailAddress(recipient.address)
    }

    static func view(_ event: NotificationEvent) -> NotificationValue {
        ["kind": .text(event.kind), "date": .date(event.date)]
    }

    /// Why the values cannot be shown; `nil` if they can.
    static func problem(of values: [String: NotificationValue]) -> String? {
        guard let bytes = NotificationValue.object(values).byteCount() else {
            return "its values are more than \(NotificationValue.maximumDepth) levels deep"
        }
        guard NotificationValue.object(values).hasOnlyKnownDates else {
            return "one of its dates is not within the years 1 to 9999"
        }
        guard bytes > NotificationValue.maximumBytes else { return nil }
        return "its values have \(bytes) bytes; at most \(NotificationValue.maximumBytes) are allowed: shorten texts"
    }

    /// - Parameter textValues: Those of the plain text if they are others.
    func write(
        _ kind: String, _ values: [String: NotificationValue], text textValues: [String: NotificationValue]?,
        _ headers: NotificationHeaders, _ recipient: NotificationRecipient, _ address: MailAddress
    ) throws -> MailMessage {
        let common: [String: NotificationValue] = [
            "recipient": ["name": .init(recipient.name), "address": .text(address.address)],
            "unsubscribe": .init(headers.unsubscribe?.url),
        ]
        let values = values.merging(common) { $1 }
        let text: NotificationText
        do {
            text = try templates.words(
                kind, locale: recipient.locale, timeZone: recipient.timeZone, values,
                text: textValues?.merging(common) { $1 }
            ).text
        } catch {
            throw JobVerdict.bury("\(error)")
        }
        var message = MailMessage(
            from: headers.from, to: [address], subject: text.subject, text: text.text, html: text.html)
        message.replyTo = headers.replyTo
        message.thread = headers.thread
        message.unsubscribe = headers.unsubscribe
        message.bounces = headers.bounces
        message.headers = headers.further
        return message
    }
}
