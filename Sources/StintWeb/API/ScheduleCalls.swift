import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    static func listSchedules(_ request: WebRequest) async throws -> Response {
        .json(["schedules": try await request.dashboard.queue.schedules().map(ScheduleFacts.init)])
    }

    static func showSchedule(_ request: WebRequest) async throws -> Response {
        .json(try await scheduleFacts(request.parameter("name"), request))
    }

    private static func scheduleFacts(_ name: String, _ request: WebRequest) async throws -> ScheduleFacts {
        guard let found = try await request.dashboard.queue.schedule(named: name) else {
            throw StintError.noSchedule(name)
        }
        return ScheduleFacts(found.record)
    }

    static func setSchedule(_ request: WebRequest) async throws -> Response {
        let name = request.parameter("name")
        let fields = try JSONFields(
            try await request.json(atMost: WebRequest.maximumJobBytes),
            known: ["cron", "timeZone", "everyMilliseconds", "missed", "job"])
        let recurrence: Schedule.Recurrence
        let every = try fields.duration("everyMilliseconds", in: 1_000...JSONFields.longest)
        switch (try fields.text("cron"), every) {
        case (let cron?, nil): recurrence = try .cron(cron, timeZone: try fields.text("timeZone"))
        case (nil, let every?):
            guard fields["timeZone"] == nil else {
                throw WebError(.badRequest, "timeZone is given without cron; equal intervals follow no clock")
            }
            recurrence = try .every(every)
        default: throw WebError(.badRequest, "the schedule must have one of cron and everyMilliseconds")
        }
        guard let job = fields["job"] else { throw fields.missing("job", "the job that each tick enqueues") }
        let schedule = try Schedule(
            name, recurrence, missed: try fields.choice("missed", MissedTicks.self) ?? .once,
            job: try NewJob(json: job, at: "job"))
        let setting = try await request.dashboard.queue.set(schedule)
        return .json(try await scheduleFacts(name, request), status: setting == .added ? .created : .ok)
    }

    static func deleteSchedule(_ request: WebRequest) async throws -> Response {
        try await request.dashboard.queue.deleteSchedule(request.parameter("name"))
        return Response(status: .noContent)
    }

    static func pauseSchedule(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        try await request.dashboard.queue.pauseSchedule(request.parameter("name"))
        return .json(try await scheduleFacts(request.parameter("name"), request))
    }

    static func resumeSchedule(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        try await request.dashboard.queue.resumeSchedule(request.parameter("name"))
        return .json(try await scheduleFacts(request.parameter("name"), request))
    }

    static func runSchedule(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        return .json(
            EnqueuedFacts(try await request.dashboard.queue.runSchedule(request.parameter("name"))), status: .created)
    }
}
