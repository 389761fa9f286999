import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func operationsPage(_ request: WebRequest) async throws -> Page {
        let before = try request.query("before").map { text in
            guard let id = Int64(text) else { throw WebError(.badRequest, "before is no number of an operation") }
            return OperationID(rawValue: id)
        }
        let operations = try await request.dashboard.queue.operations(limit: 50, before: before)
        struct View {
            let base: String
            let operations: [OperationRow]
            let hasOperations: Bool
            let next: String?
        }
        let (base, now) = (request.dashboard.options.basePath, Date())
        return Page(
            title: "Operations", section: "operations", template: "operations",
            view: View(
                base: base, operations: operations.map { OperationRow($0, request, now: now) },
                hasOperations: !operations.isEmpty,
                next: operations.count == 50 ? operations.last.map { "\(base)/operations?before=\($0.id)" } : nil),
            facts: ["operations": operations], isLive: true, notice: Notices.text(request))
    }

    static func operationPage(_ request: WebRequest) async throws -> Page {
        let id = try request.operationID()
        guard let operation = try await request.dashboard.queue.operation(id) else { throw StintError.noOperation(id) }
        return Page(
            title: "Operation \(id)", section: "operations", template: "operation",
            view: OperationRow(operation, request, now: Date()), facts: operation, isLive: true,
            notice: Notices.text(request))
    }

    /// What an operation would do: how many jobs, and the first ten of them. Nothing is changed.
    static func previewPage(_ request: WebRequest) async throws -> Page {
        let query = try request.jobQuery(request.query("q") ?? "")
        let queue = request.dashboard.queue
        let count = try await queue.count(query)
        let samples = try await queue.list(JobFilter(query, limit: 10)).jobs
        let facts = PreviewFacts(
            query: query.description, count: CountFacts(count),
            samples: samples.map { $0.redacted(request.dashboard.options.redacted) })
        return Page(
            title: "Change jobs", section: "operations", template: "preview",
            view: PreviewView(facts, request, now: Date()),
            facts: facts)
    }

    static func beginOperation(_ request: WebRequest, _ form: Form) async throws -> String {
        let query = try request.jobQuery(try form.text("q"))
        let change = try form.change(by: request.user)
        let total = form["total"].flatMap { Int($0) }
        let queue = request.dashboard.queue
        let operation = try await queue.begin(change, on: query, total: total, by: request.actor)
        request.dashboard.work(on: operation.id)
        return "/operations/\(operation.id)"
    }

    static func controlOperation(_ request: WebRequest, _ form: Form) async throws -> String {
        let id = try request.operationID()
        let queue = request.dashboard.queue
        switch try form.text("action") {
        case "pause": try await queue.pause(id)
        case "resume":
            try await queue.resume(id)
            request.dashboard.work(on: id)
        case "cancel": try await queue.cancel(id)
        case "restore":
            let restoration = try await queue.restore(id, by: request.actor)
            request.dashboard.work(on: restoration.id)
            return "/operations/\(restoration.id)"
        default: throw WebError(.badRequest, "there is no such action; expected pause, resume, cancel or restore")
        }
        return "/operations/\(id)"
    }
}

extension WebRequest {
    func operationID() throws -> OperationID {
        guard let number = Int64(parameter("id")), number > 0 else {
            throw WebError(.notFound, "\(parameter("id").prefix(40)) is no number of an operation")
        }
        return OperationID(rawValue: number)
    }
}

struct PreviewFacts: Encodable, Sendable {
    let query: String
    let count: CountFacts
    let samples: [JobRecord]
}

/// An operation in a table, or on its page.
private struct OperationRow {
    let base: String
    let id: String
    let key: String
    let href: String
    let what: String
    let filter: String
    let filterHref: String?
    let actor: String?
    let state: String
    let isRunning: Bool
    let isPaused: Bool
    let failure: String?
    let changed: String
    let total: String?
    let skipped: String?
    let begun: TimeView
    let ended: TimeView?
    let restorable: TimeView?
    let canControl: Bool
    let canRestore: Bool
    let action: String

    init(_ operation: BulkOperation, _ request: WebRequest, now: Date) {
        base = request.dashboard.options.basePath
        id = operation.id.description
        key = "operation:\(id)"
        href = "\(base)/operations/\(id)"
        what = operation.action.description
        filter = operation.filter.isEmpty ? "all jobs" : operation.filter
        filterHref = (try? JobQuery(operation.filter)).map { [base] in listPath(base, $0) }
        actor = operation.actor
        state = operation.state.rawValue
        isRunning = operation.state == .running
        isPaused = operation.state == .paused
        failure = operation.failure
        changed = Words.count(operation.changed)
        total = operation.total.map { Words.count($0) }
        skipped = operation.skipped == 0 ? nil : Words.count(operation.skipped)
        begun = TimeView(operation.begunAt, now: now)
        ended = TimeView(operation.endedAt, now: now)
        restorable = TimeView(operation.restorableUntil, now: now)
        canControl = request.user.role >= .operate && !operation.state.isEnded
        canRestore = request.user.role >= .operate && operation.restorableUntil != nil && operation.state.isEnded
        action = "\(base)/operations/\(id)/actions"
    }
}

private struct PreviewView {
    struct Sample {
        let id: Int64
        let href: String
        let queue: String
        let state: StateView
        let name: String?
        let age: TimeView
    }

    struct Choice {
        let value: String
        let title: String
        let isChosen: Bool
    }

    let base: String
    let query: String
    let shownQuery: String
    let count: String
    let total: String
    let isMany: Bool
    let samples: [Sample]
    let hasSamples: Bool
    let choices: [Choice]
    let back: String

    init(_ facts: PreviewFacts, _ request: WebRequest, now: Date) {
        base = request.dashboard.options.basePath
        let base = base
        query = facts.query
        shownQuery = query.isEmpty ? "all jobs" : query
        let number = Words.count(facts.count.count)
        isMany = facts.count.next != nil
        count = isMany ? "more than \(number) jobs" : facts.count.count == 1 ? "1 job" : "\(number) jobs"
        total = isMany ? "" : "\(facts.count.count)"
        samples = facts.samples.map {
            Sample(
                id: $0.id.rawValue, href: "\(base)/jobs/\($0.id)", queue: $0.queue.description,
                state: StateView($0.state),
                name: $0.headers[Headers.jobName], age: TimeView($0.enqueuedAt, now: now))
        }
        hasSamples = !samples.isEmpty
        let chosen = request.query("action") ?? "kick"
        choices = [
            ("kick", "Kick buried ones: ready again, with all attempts"),
            ("kick-later", "Kick buried ones after a time"),
            ("run-now", "Make delayed ones ready now"), ("bury", "Bury waiting and running ones"),
            ("cancel", "Cancel those that are not over"), ("move", "Move waiting and buried ones to another queue"),
            ("prioritize", "Change the priority of waiting and buried ones"),
            ("delete", "Delete; for ten minutes they can be brought back"),
        ].map { Choice(value: $0.0, title: $0.1, isChosen: $0.0 == chosen) }
        back = "\(base)/jobs?q=\(percentEncoded(query))"
    }
}
