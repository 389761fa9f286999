#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A queue's settings in an export, with the names of `stint queue show --json`.
package struct ExportedQueue: Sendable, Hashable, Codable {
    package let name: QueueName
    private let paused: Bool
    private let pauseReason: String?
    private let retentionMilliseconds: Int64
    private let limits: QueueLimits
    private let search: Bool

    package init(_ queue: QueueDetails) {
        name = queue.stats.name
        paused = queue.stats.paused
        pauseReason = queue.stats.pauseReason
        retentionMilliseconds = queue.retention.milliseconds
        limits = queue.limits
        search = queue.search != nil
    }

    /// A queue that is paused in the target stays so: it may have been paused until the import has ended.
    package var settings: QueueSettings {
        func limit<Value>(_ value: Value?) -> Limit<Value> { value.map(Limit.to) ?? .unlimited }
        var settings = QueueSettings(
            concurrency: limit(limits.concurrency), rate: limit(limits.rate),
            groupConcurrency: limit(limits.groupConcurrency), groupRate: limit(limits.groupRate),
            groupOrder: limits.groupOrder, isFair: limits.isFair)
        settings.retention = .milliseconds(retentionMilliseconds)
        if paused { (settings.paused, settings.pauseReason) = (true, pauseReason) }
        if search { settings.search = true }
        return settings
    }
}

/// A group whose weight is not 1.
package struct ExportedGroup: Sendable, Hashable, Codable {
    package let queue: QueueName
    package let name: String
    package let weight: Int

    package init(queue: QueueName, name: String, weight: Int) {
        self.queue = queue
        self.name = name
        self.weight = weight
    }
}

/// A webhook in an export, with the names of `stint webhook show --json`. Its address is often a secret too.
package struct ExportedWebhook: Sendable, Hashable, Codable {
    package let name: String
    private let url: String
    private let events: [String]
    private let template: String
    private let allowsPrivate: Bool
    /// `whsec_` and Base64; `nil`: it was left out.
    package let secret: String?

    package init(_ record: WebhookRecord, secret: WebhookSecret?) {
        name = record.name
        url = record.url
        events = record.events
        template = record.template
        allowsPrivate = record.allowsPrivate
        self.secret = secret?.text
    }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    package func webhook() throws -> Webhook {
        guard let template = Webhook.Template(rawValue: template) else {
            throw StintError.invalidInput("its template is \(quoted(template)): it must be json or slack")
        }
        return try Webhook(
            name, url: url, events: events, template: template, allowsPrivate: allowsPrivate,
            secret: try secret.map(WebhookSecret.init(_:)) ?? WebhookSecret())
    }
}

/// A schedule in an export, with the names of `stint schedule show --json`.
package struct ExportedSchedule: Sendable, Codable {
    package let name: String
    package let queue: QueueName
    package let paused: Bool
    private var cron: String?
    private var timeZone: String?
    private var everyMilliseconds: Int64?
    private var everyFrom: Timestamp?
    private let missed: MissedTicks
    private let priority: UInt32
    private let delayMilliseconds: Int64
    private let maxAttempts: Int
    private let maxCrashes: Int
    private let timeToRunMilliseconds: Int64?
    private let uniqueKey: String?
    private let group: String?
    private let expiresMilliseconds: Int64?
    private let onConflict: ConflictPolicy?
    private let debounceMilliseconds: Int64?
    private let atMostMilliseconds: Int64?
    private let maxEvents: Int?
    private let maxEventBytes: Int?
    private let contentType: String
    private let headers: Headers
    private let payload: String?
    private let payloadBase64: String?

    /// - Returns: `nil` if it cannot tick.
    package init?(_ schedule: ScheduleDetails) {
        let (record, options) = (schedule.record, schedule.record.options)
        guard record.problem == nil, let recurrence = record.recurrence else { return nil }
        switch recurrence.kind {
        case .cron(let expression, let zone): (cron, timeZone) = (expression.description, zone)
        case .every(let interval, let origin): (everyMilliseconds, everyFrom) = (interval, origin)
        }
        (name, queue, paused, missed) = (record.name, record.queue, record.isPaused, record.missed)
        priority = options.priority
        delayMilliseconds = options.delay.milliseconds
        maxAttempts = options.maxAttempts
        maxCrashes = options.maxCrashes
        timeToRunMilliseconds = options.timeToRun?.milliseconds
        uniqueKey = options.uniqueKey
        group = options.group
        expiresMilliseconds = options.expires?.milliseconds
        let collects = options.onConflict == .collect
        onConflict = options.onConflict == .keep ? nil : options.onConflict
        debounceMilliseconds = options.debounce?.milliseconds
        atMostMilliseconds = options.atMost?.milliseconds
        (maxEvents, maxEventBytes) = collects ? (options.maxEvents, options.maxEventBytes) : (nil, nil)
        contentType = record.contentType
        headers = options.headers
        payload = String(validating: schedule.payload, as: UTF8.self)
        payloadBase64 = payload == nil ? Data(schedule.payload).base64EncodedString() : nil
    }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    package func schedule() throws -> Schedule {
        var options = JobOptions(
            priority: priority, delay: .milliseconds(delayMilliseconds), maxAttempts: maxAttempts,
            maxCrashes: maxCrashes, headers: headers, uniqueKey: uniqueKey, group: group)
        options.timeToRun = timeToRunMilliseconds.map { .milliseconds($0) }
        options.expires = expiresMilliseconds.map { .milliseconds($0) }
        options.onConflict = onConflict ?? .keep
        options.debounce = debounceMilliseconds.map { .milliseconds($0) }
        options.atMost = atMostMilliseconds.map { .milliseconds($0) }
        if let maxEvents { options.maxEvents = maxEvents }
        if let maxEventBytes { options.maxEventBytes = maxEventBytes }
        guard
            let bytes = payload.map({ Array($0.utf8) })
                ?? payloadBase64.flatMap({ Data(base64Encoded: $0) }).map({ [UInt8]($0) })
        else { throw StintError.invalidInput("it has neither a payload nor a payloadBase64 in Base64") }
        return try Schedule(
            name, try recurrence(), missed: missed,
            job: NewJob(bytes, in: queue, contentType: contentType, options: options))
    }

    private func recurrence() throws -> Schedule.Recurrence {
        if let cron { return try .cron(cron, timeZone: timeZone) }
        guard let everyMilliseconds else {
            throw StintError.invalidInput("it has neither cron nor everyMilliseconds, which say when it ticks")
        }
        return try .every(.milliseconds(everyMilliseconds), from: Date(everyFrom ?? 0))
    }
}
