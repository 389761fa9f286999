import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    static func listJobs(_ request: WebRequest) async throws -> Response {
        var filter = try JobTerms(request.query("q") ?? "").filter
        filter.limit = try request.queryInteger("limit", in: 1...JobFilter.maximumLimit, default: 100)
        let cursor = try request.query("after").map(JobCursor.init(text:))
        let page = try await request.dashboard.queue.list(filter, after: cursor)
        return .json(
            JobsFacts(
                jobs: page.jobs.map { $0.redacted(request.dashboard.options.redacted) }, next: page.next?.text))
    }

    static func showJob(_ request: WebRequest) async throws -> Response {
        let id = try request.jobID()
        let queue = request.dashboard.queue
        guard let details = try await queue.job(id) else { throw StintError.notFound(id) }
        let wait = details.record.state.isUnfinished ? try await queue.waitReason(of: id) : nil
        return .json(
            JobFacts(
                job: details.record.redacted(request.dashboard.options.redacted), failures: details.failures,
                waitReason: wait?.description))
    }

    private enum Action: String, CaseIterable {
        case kick
        case runNow = "run-now"
        case bury, cancel, delete
    }

    static func actOnJob(_ request: WebRequest) async throws -> Response {
        let id = try request.jobID()
        let fields = try JSONFields(try await request.json(), known: ["action", "reason"])
        return try await act(on: [id], fields, request)
    }

    static func actOnJobs(_ request: WebRequest) async throws -> Response {
        let fields = try JSONFields(try await request.json(), known: ["action", "reason", "ids"])
        guard let items = try fields.list("ids", atMost: maximumJobs), !items.isEmpty else {
            throw fields.missing("ids", "a list of 1 to \(maximumJobs) ids of jobs")
        }
        var seen = Set<JobID>()
        let ids = try items.map { item -> JobID in
            guard case .number(let text) = item.kind, let id = Int64(text), id > 0 else {
                throw WebError(
                    .badRequest, "ids has \(item.described); expected ids of jobs, which are whole numbers above 0")
            }
            guard seen.insert(JobID(rawValue: id)).inserted else {
                throw WebError(.badRequest, "ids has the job \(id) twice; expected it once")
            }
            return JobID(rawValue: id)
        }
        return try await act(on: ids, fields, request)
    }

    private static func act(on ids: [JobID], _ fields: JSONFields, _ request: WebRequest) async throws -> Response {
        struct Facts: Encodable {
            let action: String
            let count: Int
        }
        guard let action = try fields.choice("action", Action.self) else {
            throw fields.missing("action", Action.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let given = try fields.note("reason")
        guard given == nil || action == .bury || action == .cancel else {
            throw WebError(.badRequest, "a reason is given with \(action.rawValue); only bury and cancel have one")
        }
        let reason = given ?? "by \(request.user.name) by HTTP"
        let queue = request.dashboard.queue
        switch action {
        case .kick: try await queue.kick(ids)
        case .runNow: try await queue.runNow(ids)
        case .bury: try await queue.bury(ids, reason: reason)
        case .cancel: try await queue.cancel(ids, reason: reason)
        case .delete: try await queue.delete(ids)
        }
        return .json(Facts(action: action.rawValue, count: ids.count))
    }

    static func payloadBytes(_ request: WebRequest) async throws -> Response {
        // The address of the page's frame has a query; this has none.
        var call = request
        call.showsFrame = false
        return try await payload(call)
    }
}
