import Foundation
import StintCore
import StintMail
import StintWorker

extension Notifications {
    /// From this attempt on, an event whose content fails is left out, so that it does not hold back the others.
    private static var attemptsForAll: Int { 3 }

    /// One mail for all events of a digest that the member may see now.
    func digest(_ context: JobContext) async throws -> MailMessage? {
        let payloads = context.job.events ?? [context.job.payload]
        var known: Set<String> = []
        var events: [NotificationEvent] = []
        var member: String?
        for payload in payloads {
            do {
                let item = try reader.read(payload)
                member = member ?? item.member
                guard item.member == member else { throw StintError.invalidInput("it is another member's") }
                if known.insert(item.event.id).inserted { events.append(item.event) }
            } catch {
                self.skip(
                    SkippedNotification(
                        member: member ?? "-", event: nil, cause: .invalid, reason: "an event does not decode: \(error)"
                    ),
                    context.logger)
            }
        }
        guard let member else { throw JobVerdict.bury("no event of the digest decodes") }
        var broken = BrokenEvents()
        defer { broken.log(context.logger) }
        func skip(_ event: NotificationEvent?, _ cause: SkippedNotification.Cause, _ reason: String) {
            if let event, cause == .invalid { broken.add(event.kind, reason) }
            self.skip(SkippedNotification(member: member, event: event, cause: cause, reason: reason), context.logger)
        }
        guard let recipient = try await source.recipient(member) else {
            skip(nil, .noRecipient, "the member is no longer there")
            return nil
        }
        guard let address = address(of: recipient) else {
            skip(nil, .invalid, "the address \(quoted(recipient.address)) is none")
            return nil
        }
        var shown: [(event: NotificationEvent, values: [String: NotificationValue])] = []
        var failure: (any Error)?
        for event in events {
            do {
                if try await source.timing(of: event, for: recipient) == .nothing {
                    skip(event, .unwanted, "the member does not want it any more")
                    continue
                }
                switch try await source.content(of: event, for: recipient) {
                case .visible(let values):
                    if let wrong = Self.problem(of: values) {
                        skip(event, .invalid, wrong)
                    } else {
                        shown.append((event, values.merging(["event": Self.view(event)]) { old, _ in old }))
                    }
                case .gone(let reason): skip(event, .gone, reason)
                case .hidden(let reason): skip(event, .hidden, reason)
                case .invalid(let reason): skip(event, .invalid, reason)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                guard context.attempt >= Self.attemptsForAll else { throw error }
                failure = failure ?? error
                skip(event, .invalid, "its content fails: \(error)")
            }
        }
        guard !shown.isEmpty else {
            // All of them, or the data themselves: that is for a person to see.
            if let failure { throw failure }
            return nil
        }
        let period = context.headers[Self.periodHeader].flatMap(NotificationDigest.init)
        let headers = try await source.headers(of: shown.map(\.event), for: recipient, digest: period ?? .daily)
        guard let values = values(of: shown, recipient, period, skip) else {
            // Of some the content fails, and of the rest the templates: both are for a person to see.
            if let failure { throw failure }
            throw JobVerdict.bury(
                "none of the \(shown.count) events has words for a digest, the first of the kind '\(shown[0].event.kind)': "
                    + "look at its templates, then kick it")
        }
        return try write("digest", values.html, text: values.text, headers, recipient, address)
    }

    /// Says which of the member's digests a job is.
    static var periodHeader: String { "notification-digest" }

    /// - Returns: `nil` if nothing can be shown.
    private func values(
        of shown: [(event: NotificationEvent, values: [String: NotificationValue])], _ recipient: NotificationRecipient,
        _ period: NotificationDigest?,
        _ skip: (NotificationEvent?, SkippedNotification.Cause, String) -> Void
    ) -> (html: [String: NotificationValue], text: [String: NotificationValue])? {
        var items: [NotificationValue] = []
        var textItems: [NotificationValue] = []
        var bytes = 0
        // The rest of the mail must fit too.
        let most = NotificationTemplates.maximumRenderedBytes / 2
        // One without words, or with too many, does not hold back the others.
        var unshown = 0
        for (event, values) in shown {
            guard items.count < options.maximumItems else { break }
            let words: (html: String, text: String)
            do {
                words = try templates.item(event.kind, locale: recipient.locale, timeZone: recipient.timeZone, values)
            } catch {
                skip(event, .invalid, "\(error)")
                unshown += 1
                continue
            }
            let size = words.html.utf8.count + words.text.utf8.count
            guard size <= most else {
                skip(event, .invalid, "its words have \(size) bytes; at most \(most) fit into a digest")
                unshown += 1
                continue
            }
            guard bytes + size <= most else { break }
            bytes += size
            var values = values
            values["item"] = .text(words.html)
            items.append(.object(values))
            values["item"] = .text(words.text)
            textItems.append(.object(values))
        }
        guard !items.isEmpty else { return nil }
        let count = shown.count - unshown
        let more = count - items.count
        let values: [String: NotificationValue] = [
            "count": .number(count), "items": .list(items), "more": more > 0 ? .number(more) : .null,
            "hourly": .bool(period == .hourly), "daily": .bool(period == .daily), "weekly": .bool(period == .weekly),
        ]
        return (values, values.merging(["items": .list(textItems)]) { $1 })
    }
}
