import Foundation
import StintCore

/// A schedule as JSON; the times are milliseconds since 1970 UTC, as everywhere.
struct ScheduleDocument: Encodable {
    private let name: String
    private let queue: String
    private let times: String
    private var cron: String?
    private var timeZone: String?
    private var everyMilliseconds: Int64?
    private var everyFrom: Timestamp?
    private let problem: String?
    private let missed: String
    private let paused: Bool
    private let lastTicks: [Tick]
    private let nextTicks: [Timestamp]
    private let priority: UInt32
    private let delayMilliseconds: Int64
    private let maxAttempts: Int
    private let maxCrashes: Int
    private let timeToRunMilliseconds: Int64?
    private let uniqueKey: String?
    private let group: String?
    private let expiresMilliseconds: Int64?
    private var onConflict: String?
    private let debounceMilliseconds: Int64?
    private let atMostMilliseconds: Int64?
    private var maxEvents: Int?
    private var maxEventBytes: Int?
    private let contentType: String
    private let headers: Headers
    private let payloadBytes: Int
    private var payload: String?
    private var payloadBase64: String?

    private struct Tick: Encodable {
        let at: Timestamp
        let job: JobID
    }

    init(_ record: ScheduleRecord, _ payload: [UInt8]? = nil) {
        name = record.name
        queue = record.queue.description
        times = record.times
        switch record.recurrence?.kind {
        case .cron(let expression, let zone)?: (cron, timeZone) = (expression.description, zone)
        case .every(let interval, let origin)?: (everyMilliseconds, everyFrom) = (interval, origin)
        case nil: break
        }
        problem = record.problem
        missed = record.missed.rawValue
        paused = record.isPaused
        lastTicks = record.lastTicks.map { Tick(at: $0.timeMilliseconds, job: $0.job) }
        nextTicks = record.problem == nil ? record.nextTicks(ScheduleRecord.shownTicks).map(\.timestamp) : []
        let options = record.options
        priority = options.priority
        delayMilliseconds = options.delay.milliseconds
        maxAttempts = options.maxAttempts
        maxCrashes = options.maxCrashes
        timeToRunMilliseconds = options.timeToRun?.milliseconds
        uniqueKey = options.uniqueKey
        group = options.group
        expiresMilliseconds = options.expires?.milliseconds
        if options.onConflict != .keep { onConflict = options.onConflict.rawValue }
        debounceMilliseconds = options.debounce?.milliseconds
        atMostMilliseconds = options.atMost?.milliseconds
        if options.onConflict == .collect { (maxEvents, maxEventBytes) = (options.maxEvents, options.maxEventBytes) }
        contentType = record.contentType
        headers = options.headers
        payloadBytes = record.payloadBytes
        guard let payload else { return }
        self.payload = String(validating: payload, as: UTF8.self)
        if self.payload == nil { payloadBase64 = Data(payload).base64EncodedString() }
    }
}
