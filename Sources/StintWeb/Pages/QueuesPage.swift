import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func queuesPage(_ request: WebRequest) async throws -> Page {
        let stats = try await request.dashboard.queue.stats()
        let base = request.dashboard.options.basePath
        struct View {
            let queues: [QueueRow]
            let hasQueues: Bool
        }
        let activity = try await request.activity(of: stats)
        let rows = stats.map { QueueRow($0, base, activity[$0.name]) }
        return Page(
            title: "Queues", section: "queues", template: "queues", view: View(queues: rows, hasQueues: !rows.isEmpty),
            facts: ["queues": stats.map { ActiveQueue($0, activity[$0.name]) }], isLive: true)
    }

    static func queuePage(_ request: WebRequest) async throws -> Page {
        let name = try request.queueName()
        guard let details = try await request.dashboard.queue.details(of: name) else { throw StintError.noQueue(name) }
        let groups = details.groups > 0 ? try await request.dashboard.queue.groups(of: name, limit: 50) : []
        let hour = try await request.dashboard.queue.activity(of: name)
        let days = try await request.dashboard.queue.activity(of: name, last: .seconds(3 * 86_400))
        let facts = QueueFacts(details, groups)
        return Page(
            title: "Queue \(name)", section: "queues", template: "queue",
            view: QueueView(facts, details, hour, days, request),
            facts: facts, isLive: true, notice: Notices.text(request))
    }

    // MARK: - Actions

    static func pauseQueue(_ request: WebRequest, _ form: Form) async throws -> String {
        let name = try request.queueName()
        try await request.dashboard.queue.pause(name, reason: form["reason"].flatMap { $0.isEmpty ? nil : $0 })
        return "\(queuePath(name))?done=paused"
    }

    static func resumeQueue(_ request: WebRequest, _ form: Form) async throws -> String {
        let name = try request.queueName()
        try await request.dashboard.queue.resume(name)
        return "\(queuePath(name))?done=resumed"
    }

    /// Empty fields are no limits.
    static func limitQueue(_ request: WebRequest, _ form: Form) async throws -> String {
        let name = try request.queueName()
        var settings = QueueSettings(
            concurrency: try number(form, "concurrency"), rate: try rate(form, "rate"),
            groupConcurrency: try number(form, "group-concurrency"), groupRate: try rate(form, "group-rate"))
        settings.isFair = form["fair"] != nil
        settings.groupOrder = form["group-order"] == "loose" ? .loose : .strict
        if let text = form["retention"], !text.isEmpty { settings.retention = try form.duration(text, "retention") }
        settings.search = form["search"] != nil
        try settings.check()
        try await request.dashboard.queue.store.configure(name, settings)
        return "\(queuePath(name))?done=set"
    }

    private static func queuePath(_ name: QueueName) -> String { "/queues/\(percentEncoded(name.description))" }

    private static func number(_ form: Form, _ field: String) throws -> Limit<Int> {
        guard let text = form[field], !text.isEmpty else { return .unlimited }
        guard let number = Int(text) else {
            throw WebError(.badRequest, "\(field) is \(quoted(text)); expected a number, or nothing for no limit")
        }
        return .to(number)
    }

    private static func rate(_ form: Form, _ field: String) throws -> Limit<Rate> {
        guard let text = form[field], !text.isEmpty else { return .unlimited }
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let starts = Int(parts[0]) else {
            throw WebError(
                .badRequest,
                "\(field) is \(quoted(text)); expected a number and a time such as 50/1s, or nothing for no limit")
        }
        return .to(Rate(starts, per: try form.duration(parts[1], field)))
    }
}

struct QueueFacts: Encodable, Sendable {
    let stats: QueueStats
    let retentionMilliseconds: Int64
    let startsInWindow: Int
    let nextStartMilliseconds: Int64?
    let groups: Int
    let busiestGroups: [GroupFacts]
    let search: QueueSearch?

    init(_ details: QueueDetails, _ busiest: [GroupStats]) {
        stats = details.stats
        retentionMilliseconds = details.retention.milliseconds
        startsInWindow = details.startsInWindow
        nextStartMilliseconds = details.nextStart?.milliseconds
        groups = details.groups
        busiestGroups = busiest.map(GroupFacts.init)
        search = details.search
    }
}

struct GroupFacts: Encodable, Sendable {
    let name: String?
    let weight: Int
    let ready: Int
    let running: Int
    let waitReason: String?

    init(_ group: GroupStats) {
        name = group.name
        weight = group.weight
        ready = group.ready
        running = group.running
        waitReason = group.waitReason?.description
    }
}

/// A queue in a table.
struct QueueRow {
    let name: String
    let href: String
    let key: String
    let ready: String
    let delayed: String
    let running: String
    let buried: String
    let done: String
    let hasBuried: Bool
    let readyHref: String
    let delayedHref: String
    let runningHref: String
    let buriedHref: String
    let isPaused: Bool
    let pauseReason: String?
    let limits: String?
    let activity: ActivityView

    init(_ stats: QueueStats, _ base: String, _ activity: QueueActivity? = nil) {
        self.activity = ActivityView(activity)
        let path = percentEncoded(stats.name.description)
        name = stats.name.description
        href = "\(base)/queues/\(path)" + (name.hasSuffix(".json") ? "?html" : "")
        key = "queue:\(path)"
        ready = Words.count(stats.ready)
        delayed = Words.count(stats.delayed)
        running = Words.count(stats.leased)
        buried = Words.count(stats.buried)
        done = Words.count(stats.done)
        hasBuried = stats.buried > 0
        func list(_ state: JobState) -> String {
            listPath(base, JobQuery(queue: stats.name, state: state))
        }
        readyHref = list(.ready)
        delayedHref = list(.delayed)
        runningHref = list(.leased)
        buriedHref = list(.buried)
        isPaused = stats.paused
        pauseReason = stats.pauseReason
        limits = stats.limits.isLimited ? LimitsView(stats.limits).summary : nil
    }
}

struct LimitsView {
    let concurrency: String
    let rate: String
    let groupConcurrency: String
    let groupRate: String
    let isStrict: Bool
    let isFair: Bool

    init(_ limits: QueueLimits) {
        concurrency = limits.concurrency.map(String.init) ?? ""
        rate = limits.rate?.description ?? ""
        groupConcurrency = limits.groupConcurrency.map(String.init) ?? ""
        groupRate = limits.groupRate?.description ?? ""
        isStrict = limits.groupOrder == .strict
        isFair = limits.isFair
    }

    var summary: String {
        [
            concurrency.isEmpty ? nil : "\(concurrency) at a time", rate.isEmpty ? nil : rate,
            groupConcurrency.isEmpty ? nil : "\(groupConcurrency) of a group",
            groupRate.isEmpty ? nil : "\(groupRate) of a group",
        ].compactMap { $0 }.joined(separator: ", ")
    }
}

private struct QueueView {
    struct Group {
        let name: String
        let href: String?
        let weight: Int
        let ready: String
        let running: String
        let waits: String?
        let key: String
    }

    let base: String
    let name: String
    let action: String
    let row: QueueRow
    let limits: LimitsView
    let retention: String
    let isSearched: Bool
    let searched: String?
    let startsInWindow: String?
    let nextStart: String?
    let groupCount: String
    let groups: [Group]
    let hasGroups: Bool
    let canOperate: Bool
    let canAdminister: Bool
    let command: String
    let histograms: [HistogramView]
    let hasHistograms: Bool

    init(
        _ facts: QueueFacts, _ details: QueueDetails, _ hour: QueueActivity?, _ days: QueueActivity?,
        _ request: WebRequest
    ) {
        // Without the minute that is not over: so the pictures change once a minute.
        let lastHour = Self.sum(hour)
        let thisHour = hour.map { ActivityPeriod.hour.start(of: $0.readAtMilliseconds) }
        let lastDays = Self.sum(days) + Self.sum(hour, from: thisHour)
        histograms = [
            HistogramView("Time in queue, last hour", lastHour.timeInQueue),
            HistogramView("Run time, last hour", lastHour.runTime),
            HistogramView("Time in queue, three days", lastDays.timeInQueue),
            HistogramView("Run time, three days", lastDays.runTime),
        ].compactMap { $0 }
        hasHistograms = !histograms.isEmpty
        base = request.dashboard.options.basePath
        let base = base
        name = details.stats.name.description
        let name = name
        action = "\(base)/queues/\(percentEncoded(name))"
        row = QueueRow(details.stats, base, hour)
        limits = LimitsView(details.limits)
        retention = details.retention == .zero ? "" : details.retention.unitsText
        isSearched = details.search != nil
        searched = details.search.map { search in
            "\(Words.count(search.jobs)) jobs indexed, \(Words.bytes(Int64(search.bytes)) ?? "0 bytes") of text"
                + (search.isBehind ? "; more to come" : "")
        }
        startsInWindow = details.limits.rate == nil ? nil : Words.count(details.startsInWindow)
        nextStart = details.nextStart.map(Words.duration)
        groupCount = Words.count(details.groups)
        groups = facts.busiestGroups.map { group in
            Group(
                name: group.name ?? "without a group",
                href: group.name.map {
                    listPath(base, JobQuery(queue: details.stats.name).adding(.init(.group(QueryText($0)))))
                }, weight: group.weight, ready: Words.count(group.ready), running: Words.count(group.running),
                waits: group.waitReason,
                key: "group:" + percentEncoded(group.name ?? "") + (group.name == nil ? ":" : ""))
        }
        hasGroups = !groups.isEmpty
        canOperate = request.user.role >= .operate
        canAdminister = request.user.role >= .admin
        command = request.command("queue", "show", name)
    }

    /// What happened in the buckets that are over.
    private static func sum(_ activity: QueueActivity?, from start: Timestamp? = nil) -> ActivityCounts {
        guard let activity else { return ActivityCounts() }
        let current = activity.period.start(of: activity.readAtMilliseconds)
        return activity.buckets.filter { $0.startMilliseconds < current && $0.startMilliseconds >= start ?? .min }
            .reduce(into: ActivityCounts()) { $0 += $1.counts }
    }
}
