import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    static func listJobs(_ request: WebRequest) async throws -> Response {
        let query = try request.jobQuery(request.query("q") ?? "")
        let limit = try request.queryInteger("limit", in: 1...JobFilter.maximumLimit, default: 100)
        let cursor = try request.query("after").map(JobCursor.init(link:))
        let page = try await request.dashboard.queue.list(JobFilter(query, limit: limit), after: cursor)
        return .json(
            JobsFacts(
                jobs: page.jobs.map { $0.redacted(request.dashboard.options.redacted) }, next: page.next?.description,
                count: nil))
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

    static func actOnJob(_ request: WebRequest) async throws -> Response {
        let id = try request.jobID()
        let fields = try JSONFields(try await request.json(), known: changeFields)
        return try await act(on: [id], fields, request)
    }

    static func actOnJobs(_ request: WebRequest) async throws -> Response {
        let fields = try JSONFields(try await request.json(), known: ["ids"] + changeFields)
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
        let change = try change(fields, request)
        try await request.dashboard.queue.change(ids, change, by: request.actor)
        return .json(Facts(action: try fields.text("action") ?? "", count: ids.count))
    }

    static func payloadBytes(_ request: WebRequest) async throws -> Response {
        // The address of the page's frame has a query; this has none.
        var call = request
        call.showsFrame = false
        return try await payload(call)
    }
}
