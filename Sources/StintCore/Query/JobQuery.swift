/// Which jobs a person looks for, written as in `queue:mail state:buried name:newsletter.* error:"timed out" age:>1h`.
///
/// A job matches if all terms hold. Of a job's own values (`queue`, `state`, `group`, `id`, `name`, `error-group`, one
/// header), a term that is repeated names alternatives: `state:ready state:delayed` is either. A `-` before a term
/// negates it. docs/queries.md has the whole language, ``JobQuery/help`` the same for programs.
///
/// Two queries that are written alike but for order, spelling and repetition are equal, and ``description`` is the same
/// text for them: it can be a link, and reads back as the same query.
public struct JobQuery: Sendable, Hashable, CustomStringConvertible {
    /// The longest text of a query, in bytes.
    public static let maximumBytes = 4_096
    /// The most terms in a query.
    public static let maximumTerms = 32

    /// One condition on a job, or its opposite.
    public struct Term: Sendable, Hashable {
        public let condition: Condition
        public let isNegated: Bool

        public init(_ condition: Condition, isNegated: Bool = false) {
            self.condition = condition
            self.isNegated = isNegated
        }
    }

    public enum Condition: Sendable, Hashable {
        case queue(QueueName)
        case state(JobState)
        /// The job's group has this name.
        case group(QueryText)
        /// The job has the header, and its value is this. The header `job-name` is written `name:`.
        case header(name: String, QueryPattern)
        /// The reason of the burial, cancellation or expiry, or the error of the last attempt that did not succeed,
        /// contains this text; upper and lower case of ASCII letters are the same.
        case error(QueryText)
        /// The latest error of the job has this fingerprint.
        case errorGroup(ErrorGroupID)
        /// The job was enqueued longer ago than this, or more recently.
        case age(isOver: Bool, Duration)
        case attempts(QueryComparison, Int)
        case id(JobID)
        /// The payload, or what `error` looks at, contains this text; upper and lower case of ASCII letters are the
        /// same.
        case text(QueryText)
    }

    /// In the order in which they are written.
    public let terms: [Term]
    /// The terms again: a job matches if at least one of each clause holds. What is cheap to find out comes first.
    let clauses: [[Term]]

    /// All jobs.
    public init() {
        self.init(terms: [])
    }

    public init(terms: [Term]) {
        var seen: Set<Term> = []
        self.terms = terms.filter { seen.insert($0).inserted }
            .map { (term: $0, rank: $0.condition.rank, text: ByteText($0.description)) }
            .sorted { ($0.rank, $0.text) < ($1.rank, $1.text) }
            .map(\.term)
        var clauses: [(key: String?, cost: Int, terms: [Term])] = []
        for term in self.terms {
            let key = term.isNegated ? nil : term.condition.key
            if let key, let known = clauses.firstIndex(where: { $0.key == key }) {
                clauses[known].terms.append(term)
            } else {
                clauses.append((key, term.condition.cost, [term]))
            }
        }
        self.clauses = clauses.enumerated()
            .sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
            .map(\.element.terms)
    }

    /// The jobs of a queue, or in a state; `nil`: of any.
    public init(queue: QueueName?, state: JobState? = nil) {
        self.init(
            terms: [queue.map { Term(.queue($0)) }, state.map { Term(.state($0)) }].compactMap(\.self))
    }

    public static func == (one: JobQuery, other: JobQuery) -> Bool { one.terms == other.terms }
    public func hash(into hasher: inout Hasher) { hasher.combine(terms) }

    public var isEmpty: Bool { terms.isEmpty }

    /// This query with one more term, or the same if it has it already.
    public func adding(_ term: Term) -> JobQuery { JobQuery(terms: terms + [term]) }

    /// This query without a term.
    public func removing(_ term: Term) -> JobQuery { JobQuery(terms: terms.filter { $0 != term }) }

    /// This query without all terms of a field, such as `state` or `header.tenant`.
    public func removing(field: String) -> JobQuery { JobQuery(terms: terms.filter { $0.condition.field != field }) }
}

/// How a number is compared.
public enum QueryComparison: String, Sendable, Hashable, CaseIterable {
    case less = "<"
    case atMost = "<="
    case equal = "="
    case atLeast = ">="
    case greater = ">"

    func holds<Value: Comparable>(_ value: Value, _ limit: Value) -> Bool {
        switch self {
        case .less: value < limit
        case .atMost: value <= limit
        case .equal: value == limit
        case .atLeast: value >= limit
        case .greater: value > limit
        }
    }
}

extension JobQuery.Condition {
    /// The name of the term: `queue`, `header.tenant`; empty for free text.
    public var field: String {
        switch self {
        case .queue: "queue"
        case .state: "state"
        case .group: "group"
        case .header(Headers.jobName, _): "name"
        case .header(let name, _): "header.\(name)"
        case .error: "error"
        case .errorGroup: "error-group"
        case .age: "age"
        case .attempts: "attempts"
        case .id: "id"
        case .text: ""
        }
    }

    /// By which terms are alternatives of each other; `nil`: it has none.
    fileprivate var key: String? {
        switch self {
        case .queue, .state, .group, .header, .errorGroup, .id: field
        case .error, .age, .attempts, .text: nil
        }
    }

    /// The place in the text of a query.
    fileprivate var rank: Int {
        switch self {
        case .queue: 0
        case .state: 1
        case .header(Headers.jobName, _): 2
        case .group: 3
        case .header: 4
        case .error: 5
        case .errorGroup: 6
        case .age: 7
        case .attempts: 8
        case .id: 9
        case .text: 10
        }
    }

    /// How much it costs to find out whether it holds, as an order.
    fileprivate var cost: Int {
        switch self {
        case .id: 0
        case .state: 1
        case .queue: 2
        case .attempts: 3
        case .age: 4
        case .group: 5
        case .header: 6
        case .error: 7
        case .errorGroup: 8
        case .text: 9
        }
    }
}
