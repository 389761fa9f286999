import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    /// Buried and failing jobs by what went wrong.
    static func errorsPage(_ request: WebRequest) async throws -> Page {
        let queue = request.dashboard.queue
        func cursor(_ name: String) throws -> ErrorGroupCursor? {
            try request.query(name).map { text in
                guard let cursor = ErrorGroupCursor(text) else {
                    throw WebError(
                        .badRequest, "\(name) is \(quoted(String(text.prefix(60)))); expected the `next` of a page")
                }
                return cursor
            }
        }
        let buried = try await queue.errorGroups(ErrorGroupFilter(.buried), after: cursor("buried"))
        let failing = try await queue.errorGroups(ErrorGroupFilter(.failing), after: cursor("failing"))
        let facts = ErrorsFacts(
            buried: ErrorsFacts.Groups(buried, .buried), failing: ErrorsFacts.Groups(failing, .failing))
        return Page(
            title: "Errors", section: "errors", template: "errors", view: ErrorsView(facts, request, now: Date()),
            facts: facts,
            isLive: true, notice: Notices.text(request))
    }
}

struct ErrorsFacts: Encodable, Sendable {
    struct Group: Encodable, Sendable {
        let id: String
        let fingerprint: String
        let jobs: Int
        let queues: [String]
        let firstSeen: Date
        let lastSeen: Date
        let sample: Int64
        let sampleError: String
        /// The filter that finds its jobs.
        let query: String
    }

    struct Groups: Encodable, Sendable {
        let groups: [Group]
        let next: String?

        init(_ page: ErrorGroupPage, _ kind: ErrorGroupFilter.Kind) {
            groups = page.groups.map {
                Group(
                    id: $0.id.description, fingerprint: $0.fingerprint, jobs: $0.jobs,
                    queues: $0.queues.map(\.description),
                    firstSeen: $0.firstSeen, lastSeen: $0.lastSeen, sample: $0.sample.rawValue,
                    sampleError: $0.sampleError,
                    query: $0.query(kind).description)
            }
            next = page.next?.description
        }
    }

    let buried: Groups
    let failing: Groups
}

private struct ErrorsView {
    struct Row {
        let key: String
        let fingerprint: String
        let jobs: String
        let href: String
        let queues: String
        let first: TimeView
        let last: TimeView
        let sample: Int64
        let sampleHref: String
        let kick: String?
    }

    struct Table {
        let title: String
        let name: String
        let rows: [Row]
        let hasRows: Bool
        let empty: String
        let next: String?
    }

    let tables: [Table]

    init(_ facts: ErrorsFacts, _ request: WebRequest, now: Date) {
        let base = request.dashboard.options.basePath
        let canOperate = request.user.role >= .operate
        func table(_ groups: ErrorsFacts.Groups, _ name: String, _ title: String, _ empty: String) -> Table {
            let rows = groups.groups.map { group in
                Row(
                    key: "\(name):\(group.id)", fingerprint: group.fingerprint, jobs: Words.count(group.jobs),
                    href: "\(base)/jobs?q=\(percentEncoded(group.query))", queues: group.queues.joined(separator: ", "),
                    first: TimeView(group.firstSeen, now: now), last: TimeView(group.lastSeen, now: now),
                    sample: group.sample, sampleHref: "\(base)/jobs/\(group.sample)",
                    kick: canOperate && name == "buried"
                        ? "\(base)/operations/new?action=kick&q=\(percentEncoded(group.query))" : nil)
            }
            return Table(
                title: title, name: name, rows: rows, hasRows: !rows.isEmpty, empty: empty,
                next: groups.next.map { "\(base)/errors?\(name)=\(percentEncoded($0))" })
        }
        tables = [
            table(facts.buried, "buried", "Buried jobs", "No job is buried."),
            table(facts.failing, "failing", "Jobs that will be tried again", "No waiting job has failed before."),
        ]
    }
}
