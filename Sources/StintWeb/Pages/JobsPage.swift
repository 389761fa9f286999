import Hummingbird
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func jobsPage(_ request: WebRequest) async throws -> Page {
        let text = request.query("q") ?? ""
        let queue = request.dashboard.queue
        var (query, problem) = (JobQuery(), String?.none)
        var page = JobPage()
        var count: JobCount?
        do {
            query = try request.jobQuery(text)
            let cursor = try request.query("after").map(JobCursor.init(link:))
            page = try await queue.list(
                JobFilter(query, limit: 50, isReversed: request.query("order") == "reverse"), after: cursor)
            if cursor == nil { count = try await queue.count(query) }
        } catch let error as StintError where error.code == .invalidInput && !request.wantsJSON {
            problem = error.description
        }
        let jobs = page.jobs.map { $0.redacted(request.dashboard.options.redacted) }
        let facts = JobsFacts(jobs: jobs, next: page.next?.description, count: count.map(CountFacts.init))
        return Page(
            title: "Jobs", section: "jobs", template: "jobs",
            view: JobsView(
                facts, query: problem == nil ? query : nil, text: text, problem: problem,
                queues: try await queue.stats(),
                request, now: Date()),
            facts: facts, isLive: problem == nil, notice: Notices.text(request))
    }

    /// How many jobs match, a bounded step at a time: `after` is the `next` of the step before.
    static func countJobs(_ request: WebRequest) async throws -> Response {
        let query = try request.jobQuery(request.query("q") ?? "")
        let cursor = try request.query("after").map(JobCursor.init(link:))
        return .json(CountFacts(try await request.dashboard.queue.store.count(query, after: cursor)))
    }

    /// An action on the jobs that were chosen on the list.
    static func changeJobs(_ request: WebRequest, _ form: Form) async throws -> String {
        let ids = try form.all("id").map { text in
            guard let id = Int64(text), id > 0 else {
                throw WebError(.badRequest, "\(quoted(String(text.prefix(40)))) is no id of a job; expected a number")
            }
            return JobID(rawValue: id)
        }
        let query = percentEncoded(form["q"] ?? "")
        guard !ids.isEmpty else { return "/jobs?q=\(query)" }
        let change = try form.change(by: request.user)
        try await request.dashboard.queue.change(ids, change, by: request.actor)
        return "/jobs?q=\(query)&done=\(change.notice)&count=\(ids.count)"
    }
}

struct JobsFacts: Encodable, Sendable {
    let jobs: [JobRecord]
    /// For `after`; absent on the last page.
    let next: String?
    /// On the first page.
    let count: CountFacts?
}

struct CountFacts: Encodable, Sendable {
    let count: Int
    /// Where counting goes on; absent if all are counted.
    let next: String?

    init(_ count: JobCount) {
        self.count = count.counted
        next = count.next?.description
    }
}

extension JobCursor {
    init(link: String) throws {
        guard let cursor = JobCursor(link) else {
            throw WebError(.badRequest, "after is \(quoted(String(link.prefix(60)))); expected the `next` of a page")
        }
        self = cursor
    }
}

extension WebRequest {
    /// Who makes a change, for the records of it.
    var actor: String { "web:\(user.name)" }

    /// Reads a filter. What is redacted cannot be found either: it could be guessed letter by letter.
    func jobQuery(_ text: String) throws -> JobQuery {
        let query = try JobQuery(text)
        guard !dashboard.options.redacted.isEmpty else { return query }
        for term in query.terms {
            switch term.condition {
            case .text:
                throw StintError.invalidInput(
                    "values of payloads are redacted here, so payloads cannot be searched for text")
            case .header(let name, _) where dashboard.options.redacted.contains(name):
                throw StintError.invalidInput("the header \(name) is redacted here, so jobs cannot be found by it")
            default: continue
            }
        }
        return query
    }
}

extension Form {
    /// The change that a form asks for.
    func change(by user: WebUser) throws -> JobChange {
        func given(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
        switch try text("action") {
        case "kick": return .kick
        case "kick-later": return .kickLater(after: try duration(given("after") ?? "1h", "after"))
        case "run-now": return .runNow
        case "bury": return .bury(reason: given("reason") ?? "by \(user.name) on the dashboard")
        case "cancel": return .cancel(reason: given("reason") ?? "by \(user.name) on the dashboard")
        case "delete": return .delete
        case "move": return .move(to: try QueueName(try text("queue")))
        case "prioritize":
            guard let priority = UInt32(try text("priority")) else {
                throw WebError(
                    .badRequest, "priority is \(quoted(try text("priority"))); expected a number from 0 to 4294967295")
            }
            return .setPriority(to: priority)
        default:
            throw WebError(
                .badRequest,
                "there is no such action; expected kick, kick-later, run-now, bury, cancel, delete, move or prioritize")
        }
    }

    func duration(_ text: String, _ field: String) throws -> Duration {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            if let number = Double(text.dropLast(unit.count)), number.isFinite, (0...1e10).contains(number) {
                return .milliseconds(Int64(number * seconds * 1_000))
            }
        }
        throw WebError(
            .badRequest, "\(field) has the time \(quoted(text)); expected a number and a unit: 500ms, 30s, 5m, 2h, 1d")
    }
}

extension JobChange {
    /// The word for ``Notices``.
    var notice: String {
        switch self {
        case .kick: "kicked"
        case .kickLater: "kicked-later"
        case .runNow: "run-now"
        case .bury: "buried"
        case .cancel: "cancelled"
        case .delete: "deleted"
        case .move: "moved"
        case .setPriority: "prioritized"
        }
    }
}

extension JobRecord {
    /// Without the values of these headers.
    func redacted(_ names: Set<String>) -> JobRecord {
        var copy = self
        for (name, _) in headers where names.contains(name) {
            // The mark is shorter than any header may be, and has no control character.
            do { try copy.headers.set(name, to: Redaction.mark) } catch { copy.headers = Headers() }
        }
        return copy
    }
}

private struct JobsView {
    struct Row {
        let id: Int64
        let key: String
        let href: String
        let name: String
        let queue: String
        let queueHref: String
        let state: StateView
        let attempts: String
        let age: TimeView
        let group: String?
        let detail: String?
    }

    struct Choice {
        let title: String
        let href: String
        let isCurrent: Bool
        let shape: String?
        let name: String?
    }

    struct Term {
        let field: String
        let explanation: String
        let example: String
        let href: String
    }

    let base: String
    let query: String
    let problem: String?
    let jobs: [Row]
    let hasJobs: Bool
    let isEmpty: Bool
    let goesOn: Bool
    let next: String?
    let count: String?
    let countURL: String?
    let states: [Choice]
    let terms: [Term]
    let suggestions: [String]
    let canOperate: Bool
    let bulk: String?

    init(
        _ facts: JobsFacts, query: JobQuery?, text: String, problem: String?, queues: [QueueStats],
        _ request: WebRequest,
        now: Date
    ) {
        base = request.dashboard.options.basePath
        let base = base
        self.query = text
        self.problem = problem
        jobs = facts.jobs.map { job in
            Row(
                id: job.id.rawValue, key: "job:\(job.id)", href: "\(base)/jobs/\(job.id)",
                name: job.headers[Headers.jobName] ?? "", queue: job.queue.description,
                queueHref: "\(base)/queues/\(percentEncoded(job.queue.description))", state: StateView(job.state),
                attempts: "\(job.attempts) / \(job.maxAttempts)", age: TimeView(job.enqueuedAt, now: now),
                group: job.group,
                detail: job.reason ?? (job.state == .delayed ? job.runAt.map { TimeView($0, now: now).relative } : nil)
                    ?? (job.state == .leased ? job.worker : nil))
        }
        hasJobs = !jobs.isEmpty
        isEmpty = jobs.isEmpty && problem == nil && facts.next == nil
        goesOn = jobs.isEmpty && facts.next != nil
        let order = request.query("order") == "reverse" ? "&order=reverse" : ""
        next = facts.next.map { "\(base)/jobs?q=\(percentEncoded(text))\(order)&after=\(percentEncoded($0))" }
        count = facts.count.map {
            let number = Words.count($0.count)
            return $0.next != nil ? "more than \(number)" : $0.count == 1 ? "1 job" : "\(number) jobs"
        }
        countURL = facts.count?.next.map { "\(base)/jobs/count?q=\(percentEncoded(text))&after=\(percentEncoded($0))" }
        let known = query ?? JobQuery()
        let rest = known.removing(field: "state")
        let chosen = known.terms.compactMap { if case .state(let state) = $0.condition { state } else { nil } }
        states =
            [Choice(title: "all", href: listPath(base, rest), isCurrent: chosen.isEmpty, shape: nil, name: nil)]
            + JobState.allCases.map { state in
                let view = StateView(state)
                return Choice(
                    title: view.name, href: listPath(base, rest.adding(.init(.state(state)))),
                    isCurrent: chosen.contains(state),
                    shape: view.shape, name: view.name)
            }
        terms = JobQuery.help.map { help in
            Term(
                field: help.field.isEmpty ? "text" : help.field, explanation: help.explanation, example: help.example,
                href: "\(base)/jobs?q=\(percentEncoded(help.example))")
        }
        suggestions =
            queues.prefix(200).map { JobQuery(queue: $0.name).description }
            + JobQuery.suggestions(for: "state:") + JobQuery.suggestions(for: "age:")
            + JobQuery.suggestions(for: "attempts:")
        canOperate = request.user.role >= .operate
        bulk = canOperate && !jobs.isEmpty && problem == nil ? "\(base)/operations/new?q=\(percentEncoded(text))" : nil
    }
}
