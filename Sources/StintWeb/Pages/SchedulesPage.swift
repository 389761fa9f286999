import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func schedulesPage(_ request: WebRequest) async throws -> Page {
        let schedules = try await request.dashboard.queue.schedules().map(ScheduleFacts.init)
        let (now, base) = (Date(), request.dashboard.options.basePath)
        struct View {
            let base: String
            let schedules: [ScheduleRow]
            let hasSchedules: Bool
            let canOperate: Bool
        }
        return Page(
            title: "Schedules", section: "schedules", template: "schedules",
            view: View(
                base: base, schedules: schedules.map { ScheduleRow($0, base, now: now) },
                hasSchedules: !schedules.isEmpty,
                canOperate: request.user.role >= .operate),
            facts: ["schedules": schedules], isLive: true, notice: Notices.text(request))
    }

    static func changeSchedule(_ request: WebRequest, _ form: Form) async throws -> String {
        let name = request.parameter("name")
        let store = request.dashboard.queue.store
        switch try form.text("action") {
        case "run":
            let job = try await store.runSchedule(name)
            return "/jobs/\(job.id)?done=enqueued"
        case "pause": try await store.changeSchedule(name, .pause)
        case "resume": try await store.changeSchedule(name, .resume)
        default: throw WebError(.badRequest, "there is no such action; expected run, pause or resume")
        }
        return "/schedules?done=\(try form.text("action") == "pause" ? "paused" : "resumed")"
    }
}

struct ScheduleFacts: Encodable, Sendable {
    struct Tick: Encodable, Sendable {
        let at: Date
        let job: Int64
    }

    let name: String
    let recurrence: String?
    let problem: String?
    let queue: String
    let isPaused: Bool
    let missed: MissedTicks
    let contentType: String
    let payloadBytes: Int
    let next: [Date]
    let last: [Tick]

    init(_ record: ScheduleRecord) {
        name = record.name
        recurrence = record.recurrence?.description
        problem = record.problem
        queue = record.queue.description
        isPaused = record.isPaused
        missed = record.missed
        contentType = record.contentType
        payloadBytes = record.payloadBytes
        next = record.nextTicks(5)
        last = record.lastTicks.map { Tick(at: $0.time, job: $0.job.rawValue) }
    }
}

private struct ScheduleRow {
    struct Run {
        let job: Int64
        let href: String
        let at: TimeView
    }

    let name: String
    let recurrence: String
    let problem: String?
    let queue: String
    let queueHref: String
    let isPaused: Bool
    let next: TimeView?
    let later: [TimeView]
    let runs: [Run]
    let action: String

    init(_ facts: ScheduleFacts, _ base: String, now: Date) {
        name = facts.name
        recurrence = facts.recurrence ?? ""
        problem = facts.problem
        queue = facts.queue
        queueHref = "\(base)/queues/\(percentEncoded(facts.queue))"
        isPaused = facts.isPaused
        next = facts.isPaused ? nil : TimeView(facts.next.first, now: now)
        later = facts.next.dropFirst().map { TimeView($0, now: now) }
        runs = facts.last.map { Run(job: $0.job, href: "\(base)/jobs/\($0.job)", at: TimeView($0.at, now: now)) }
        action = "\(base)/schedules/\(percentEncoded(facts.name))/actions"
    }
}
