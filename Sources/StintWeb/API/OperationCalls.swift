import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    private struct OperationAnswer: Encodable {
        let operations: [BulkOperation]
        /// For `before`; absent on the last page.
        let next: Int64?
    }

    private struct PreviewAnswer: Encodable {
        let query: String
        let change: String
        let count: Int
        let isExact: Bool
        let samples: [JobRecord]
    }

    static func listOperations(_ request: WebRequest) async throws -> Response {
        let limit = try request.queryInteger("limit", in: 1...1_000, default: 100)
        let before = try request.query("before").map { text in
            guard let id = Int64(text), id > 0 else {
                throw WebError(.badRequest, "before is \(quotedShort(text)); expected the `next` of a page")
            }
            return OperationID(rawValue: id)
        }
        let operations = try await request.dashboard.queue.operations(limit: limit, before: before)
        return .json(
            OperationAnswer(
                operations: operations, next: operations.count == limit ? operations.last?.id.rawValue : nil))
    }

    static func showOperation(_ request: WebRequest) async throws -> Response {
        let id = try request.operationID()
        guard let operation = try await request.dashboard.queue.operation(id) else { throw StintError.noOperation(id) }
        return .json(operation)
    }

    /// What an operation would do. Nothing is changed.
    static func previewOperation(_ request: WebRequest) async throws -> Response {
        let (query, change) = try await operationFields(request)
        let affected = query.narrowed(to: change.states)
        let queue = request.dashboard.queue
        var (count, samples) = (JobCount.exactly(0), [JobRecord]())
        if let affected {
            count = try await queue.count(affected)
            samples = try await queue.list(JobFilter(affected, limit: 10)).jobs
        }
        return .json(
            PreviewAnswer(
                query: query.description, change: change.description, count: count.counted, isExact: count.next == nil,
                samples: samples.map { $0.redacted(request.dashboard.options.redacted) }))
    }

    static func beginOperation(_ request: WebRequest) async throws -> Response {
        let (query, change) = try await operationFields(request)
        let queue = request.dashboard.queue
        var count = JobCount.exactly(0)
        if let affected = query.narrowed(to: change.states) { count = try await queue.count(affected) }
        let operation = try await queue.begin(
            change, on: query, total: count.next == nil ? count.counted : nil, by: request.actor)
        return begun(operation, request)
    }

    static func pauseOperation(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        return .json(try await request.dashboard.queue.pause(try request.operationID()))
    }

    static func resumeOperation(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        let operation = try await request.dashboard.queue.resume(try request.operationID())
        request.dashboard.work(on: operation.id)
        return .json(operation)
    }

    static func cancelOperation(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        return .json(try await request.dashboard.queue.cancel(try request.operationID()))
    }

    static func restoreOperation(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        return begun(
            try await request.dashboard.queue.restore(try request.operationID(), by: request.actor), request)
    }

    private static func begun(_ operation: BulkOperation, _ request: WebRequest) -> Response {
        request.dashboard.work(on: operation.id)
        var response = Response.json(operation, status: .created)
        response.headers[.location] = "\(request.dashboard.options.basePath)\(apiPath)/operations/\(operation.id)"
        return response
    }

    private static func operationFields(_ request: WebRequest) async throws -> (JobQuery, JobChange) {
        let fields = try JSONFields(try await request.json(), known: ["query"] + changeFields)
        guard let text = try fields.text("query") else {
            throw fields.missing(
                "query", "which jobs, such as \"queue:mail state:buried\"; an empty text means all of them")
        }
        return (try request.jobQuery(text), try change(fields, request))
    }

    // MARK: - Changes

    static let changeFields = ["action", "reason", "delayMilliseconds", "queue", "priority"]

    private enum Action: String, CaseIterable {
        case kick
        case runNow = "run-now"
        case bury, cancel, delete, move, prioritize

        /// The fields that belong to it.
        var fields: [String] {
            switch self {
            case .kick: ["delayMilliseconds"]
            case .bury, .cancel: ["reason"]
            case .move: ["queue"]
            case .prioritize: ["priority"]
            case .runNow, .delete: []
            }
        }
    }

    /// The change that a request asks for.
    static func change(_ fields: JSONFields, _ request: WebRequest) throws -> JobChange {
        guard let action = try fields.choice("action", Action.self) else {
            throw fields.missing("action", Action.allCases.map(\.rawValue).joined(separator: ", "))
        }
        for name in changeFields.dropFirst() where fields[name] != nil && !action.fields.contains(name) {
            let owners = Action.allCases.filter { $0.fields.contains(name) }.map(\.rawValue)
            throw WebError(
                .badRequest,
                "\(name) is given with \(action.rawValue); it goes only with \(owners.joined(separator: " and "))")
        }
        let reason = try fields.note("reason") ?? "by \(request.user.name) by HTTP"
        switch action {
        case .kick: return try fields.duration("delayMilliseconds").map { .kickLater(after: $0) } ?? .kick
        case .runNow: return .runNow
        case .bury: return .bury(reason: reason)
        case .cancel: return .cancel(reason: reason)
        case .delete: return .delete
        case .move:
            guard let queue = try fields.queue("queue") else { throw fields.missing("queue", "the queue to move to") }
            return .move(to: queue)
        case .prioritize:
            guard let priority = try fields.integer("priority", in: 0...Int64(UInt32.max)) else {
                throw fields.missing("priority", "a whole number from 0 to \(UInt32.max)")
            }
            return .setPriority(to: UInt32(priority))
        }
    }
}

extension JobQuery {
    /// The jobs that match and are in one of these states; `nil`: there can be none.
    func narrowed(to states: Set<JobState>) -> JobQuery? {
        let left = self.states.filter(states.contains)
        guard !left.isEmpty else { return nil }
        if left.count == JobState.allCases.count { return self }
        return left.reduce(removing(field: "state")) { $0.adding(.init(.state($1))) }
    }
}

extension Dashboard {
    /// Goes on with an operation without the request that began it. If this process ends, others take it over.
    func work(on operation: OperationID) {
        Task { [queue, logger = options.logger] in
            do {
                _ = try await queue.run(operation)
            } catch {
                logger.warning("an operation goes on elsewhere", metadata: ["error": "\(error)"])
            }
        }
    }
}
