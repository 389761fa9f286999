import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func jobsPage(_ request: WebRequest) async throws -> Page {
        let text = request.query("q") ?? ""
        var problem: String?
        var page = JobPage()
        do {
            let cursor = try request.query("after").map(JobCursor.init(text:))
            page = try await request.dashboard.queue.list(try JobTerms(text).filter, after: cursor)
        } catch let error as StintError where error.code == .invalidInput && !request.wantsJSON {
            problem = error.description
        }
        let jobs = page.jobs.map { $0.redacted(request.dashboard.options.redacted) }
        return Page(
            title: "Jobs", section: "jobs", template: "jobs",
            view: JobsView(jobs, next: page.next, query: text, problem: problem, request, now: Date()),
            facts: JobsFacts(jobs: jobs, next: page.next?.text), isLive: problem == nil, notice: Notices.text(request))
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
        let done = try await change(ids, form, request)
        return "/jobs?q=\(query)&done=\(done)&count=\(ids.count)"
    }

    /// - Returns: The word for ``Notices``.
    static func change(_ ids: [JobID], _ form: Form, _ request: WebRequest) async throws -> String {
        let queue = request.dashboard.queue
        switch try form.text("action") {
        case "kick":
            try await queue.kick(ids)
            return "kicked"
        case "run-now":
            try await queue.runNow(ids)
            return "run-now"
        case "bury":
            let reason = form["reason"].flatMap { $0.isEmpty ? nil : $0 } ?? "by \(request.user.name) on the dashboard"
            try await queue.bury(ids, reason: reason)
            return "buried"
        case "cancel":
            try await queue.cancel(ids, reason: "by \(request.user.name) on the dashboard")
            return "cancelled"
        case "delete":
            try await queue.delete(ids)
            return "deleted"
        default:
            throw WebError(.badRequest, "there is no such action; expected kick, run-now, bury, cancel or delete")
        }
    }
}

struct JobsFacts: Encodable, Sendable {
    let jobs: [JobRecord]
    /// For `after`; absent on the last page.
    let next: String?
}

extension JobCursor {
    /// As an address has it.
    var text: String { "\(state.rawValue).\(queue).\(order).\(job)" }

    init(text: String) throws {
        let parts = text.split(separator: ".")
        guard parts.count == 4, let state = JobState(rawValue: String(parts[0])), let queue = Int64(parts[1]),
            let order = Int64(parts[2]), let job = Int64(parts[3])
        else { throw WebError(.badRequest, "after is \(quoted(String(text.prefix(60)))); expected the `next` of a page") }
        self.init(state: state, queue: queue, order: order, job: job)
    }
}

extension JobRecord {
    /// Without the values of these headers.
    func redacted(_ names: Set<String>) -> JobRecord {
        guard !names.isEmpty else { return self }
        var copy = self
        for (name, _) in headers where names.contains(name) { try? copy.headers.set(name, to: Redaction.mark) }
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

    let base: String
    let query: String
    let problem: String?
    let jobs: [Row]
    let hasJobs: Bool
    let isEmpty: Bool
    let next: String?
    let states: [Choice]
    let canOperate: Bool

    init(_ records: [JobRecord], next cursor: JobCursor?, query: String, problem: String?, _ request: WebRequest, now: Date) {
        base = request.dashboard.options.basePath
        let base = base
        self.query = query
        self.problem = problem
        jobs = records.map { job in
            Row(
                id: job.id.rawValue, key: "job:\(job.id)", href: "\(base)/jobs/\(job.id)",
                name: job.headers[Headers.jobName] ?? "", queue: job.queue.description,
                queueHref: "\(base)/queues/\(percentEncoded(job.queue.description))", state: StateView(job.state),
                attempts: "\(job.attempts) / \(job.maxAttempts)", age: TimeView(job.enqueuedAt, now: now), group: job.group,
                detail: job.reason ?? (job.state == .delayed ? job.runAt.map { TimeView($0, now: now).relative } : nil)
                    ?? (job.state == .leased ? job.worker : nil))
        }
        hasJobs = !jobs.isEmpty
        isEmpty = jobs.isEmpty && problem == nil
        next = cursor.map { "\(base)/jobs?q=\(percentEncoded(query))&after=\($0.text)" }
        let rest = query.split(separator: " ").filter { !$0.hasPrefix("state:") }.joined(separator: " ")
        states =
            [Choice(title: "all", href: "\(base)/jobs?q=\(percentEncoded(rest))", isCurrent: !query.contains("state:"), shape: nil, name: nil)]
            + JobState.allCases.map { state in
                let view = StateView(state)
                let text = rest.isEmpty ? "state:\(state.rawValue)" : "\(rest) state:\(state.rawValue)"
                return Choice(
                    title: view.name, href: "\(base)/jobs?q=\(percentEncoded(text))",
                    isCurrent: query.contains("state:\(state.rawValue)") || state == .leased && query.contains("state:running"),
                    shape: view.shape, name: view.name)
            }
        canOperate = request.user.role >= .operate
    }
}
