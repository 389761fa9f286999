#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A schedule with its jobs as JSON: a line of an export, and a part of what `stint schedule show --json` has.
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

    /// - Parameter payload: That of its jobs; `nil`: it is left out.
    package init(_ record: ScheduleRecord, payload bytes: [UInt8]?) {
        let options = record.options
        switch record.recurrence?.kind {
        case .cron(let expression, let zone)?: (cron, timeZone) = (expression.description, zone)
        case .every(let interval, let origin)?: (everyMilliseconds, everyFrom) = (interval, origin)
        case nil: break
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
        let text = bytes.flatMap { String(validating: $0, as: UTF8.self) }
        payload = text
        payloadBase64 = text == nil ? bytes.map { Data($0).base64EncodedString() } : nil
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
