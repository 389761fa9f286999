import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The body of a webhook's request, made from a message when it is sent.
enum WebhookBody {
    static func bytes(_ message: WebhookMessage, _ template: Webhook.Template) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        switch template {
        case .json: return [UInt8](try encoder.encode(Document(message)))
        case .slack: return [UInt8](try encoder.encode(["text": slackText(message)]))
        }
    }

    // MARK: - JSON

    /// docs/webhooks.md describes it; ``version`` changes with anything but new fields.
    private struct Document: Encodable {
        let version = 1
        let type: String
        let timestamp: Date
        let text: String
        let data: Fields

        init(_ message: WebhookMessage) {
            type = message.event.rawValue
            timestamp = date(message.at)
            text = WebhookBody.sentence(message)
            data = Fields(message)
        }
    }

    private struct Fields: Encodable {
        let webhook: String
        let state: WebhookMessage.State?
        let queue: String?
        var since: Date?
        var count: Int64?
        var ready: Int64?
        var ageMilliseconds: Int64?
        var freeBytes: Int64?
        let limit: Int64?
        let reason: String?
        let jobs: [Job]?
        let queues: [Queue]?
        let queueCount: Int?

        struct Job: Encodable {
            let id: Int64
            let at: Date
            let reason: String
        }

        struct Queue: Encodable {
            let name: String
            let value: Int64
        }

        init(_ message: WebhookMessage) {
            webhook = message.webhook
            state = message.state
            queue = message.queue
            since = message.since.map(date)
            switch message.event {
            case .buried, .death: count = message.value
            case .backlog: ready = message.value
            case .age: ageMilliseconds = message.value
            case .disk: freeBytes = message.value
            case .paused, .test: break
            }
            limit = message.limit
            reason = message.reason
            jobs = message.samples?.map { Job(id: $0.job, at: date($0.at), reason: $0.reason) }
            queues = message.queues?.map { Queue(name: $0.queue, value: $0.value) }
            queueCount = message.queueCount
        }
    }

    /// Another program may have written any number into a job.
    private static func date(_ time: Timestamp) -> Date {
        Date(timeIntervalSince1970: Double(min(max(time, 0), 253_402_300_799_000)) / 1_000)
    }

    // MARK: - Text

    /// Slack's three special characters, by which a text could call people or hide a link.
    static func slackText(_ message: WebhookMessage) -> String {
        var lines = [sentence(message)]
        for sample in message.samples ?? [] {
            let reason = sample.reason.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            lines.append("• job \(sample.job): \(reason)")
        }
        if let samples = message.samples, let count = message.value, Int64(samples.count) < count, !samples.isEmpty {
            lines.append("… and \(number(count - Int64(samples.count))) more")
        }
        return lines.joined(separator: "\n").replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;")
    }

    /// What has happened, in plain words.
    static func sentence(_ message: WebhookMessage) -> String {
        let value = message.value ?? 0
        let isRaised = message.state != .resolved
        let many = message.queueCount.map { count -> (count: Int, names: String) in
            let first = (message.queues ?? []).prefix(3).map { "\($0.queue) \(amount($0.value, message.event))" }
            return (count: count, names: first.joined(separator: ", ") + (count > 3 ? ", …" : ""))
        }
        let queue = message.queue ?? "all queues"
        let since = message.since.map { " since \(date($0).formatted(.iso8601))" } ?? ""
        let limit = message.limit ?? 0
        switch message.event {
        case .buried:
            let jobs = "\(number(value)) job\(value == 1 ? "" : "s") buried"
            return many.map { "\(jobs) in \($0.count) queues\(since): \($0.names)" } ?? "\(queue): \(jobs)\(since)"
        case .death:
            let deaths = "\(number(value)) attempt\(value == 1 ? "" : "s") ended with the worker, or without a trace"
            return many.map { "\(deaths) in \($0.count) queues\(since): \($0.names)" } ?? "\(queue): \(deaths)\(since)"
        case .backlog:
            if let many {
                return isRaised
                    ? "\(many.count) queues have more than \(number(limit)) ready jobs: \(many.names)"
                    : "\(many.count) queues have no longer more than \(number(limit)) ready jobs: \(many.names)"
            }
            return
                "\(queue): \(number(value)) jobs are ready, \(isRaised ? "more" : "no longer more") than \(number(limit))"
        case .age:
            let limit = Duration.milliseconds(limit).unitsText
            if let many {
                return isRaised
                    ? "in \(many.count) queues a job has been ready for longer than \(limit): \(many.names)"
                    : "in \(many.count) queues no job has been ready for longer than \(limit) any more"
            }
            return isRaised
                ? "\(queue): a job has been ready for \(Words.duration(.milliseconds(value))), longer than \(limit)"
                : "\(queue): no job has been ready for longer than \(limit) any more"
        case .paused:
            if let many {
                let names = (message.queues ?? []).prefix(3).map(\.queue).joined(separator: ", ")
                return "\(many.count) queues are \(isRaised ? "" : "no longer ")paused: \(names), …"
            }
            let reason = message.reason.map { ": \($0)" } ?? ""
            return "\(queue) is \(isRaised ? "" : "no longer ")paused\(reason)"
        case .disk:
            return
                "the disk under the database has \(value >> 20) MiB left, \(isRaised ? "less" : "no longer less") than "
                + "\(limit >> 20) MiB"
        case .test: return "This is a test of the webhook \(message.webhook)."
        }
    }

    private static func amount(_ value: Int64, _ event: WebhookEvent.Kind) -> String {
        event == .age ? Words.duration(.milliseconds(value)) : event == .paused ? "" : number(value)
    }

    /// `1,204`: thin spaces, as pages have them, are not for every receiver.
    private static func number(_ value: Int64) -> String {
        Words.count(Int(value)).replacing("\u{202F}", with: ",").replacing("−", with: "-")
    }
}
