/// How the jobs that match a query are found: which parts of which indexes are read, one after the other, and what is
/// left to check of each job. The plan depends on the query and on which queues and groups exist, and never on
/// statistics, so that all pages of a query are read in one order.
package struct QueryPlan: Sendable {
    /// How many jobs one call counts where an index alone finds them.
    package static let jobsPerCount = 160_000
    /// A job that has to be looked at costs as much as this many others.
    package static let costOfLook = 48

    /// Jobs of one state that an index finds.
    package enum Scope: Hashable, Sendable {
        case all
        case queue(Int64)
        case group(Int64)
        /// Buried jobs whose latest errors are alike.
        case errors(Int64)
        case job(Int64)

        /// Of the parts of one state, its place among them.
        package var number: Int64 {
            switch self {
            case .all: 0
            case .queue(let number), .group(let number), .errors(let number), .job(let number): number
            }
        }

        /// Whether an index of the state alone lists its jobs.
        package var isOfIndex: Bool { if case .job = self { false } else { true } }
    }

    package struct Part: Sendable {
        package let state: JobState
        package let scope: Scope
        /// What the index does not say.
        package let residual: JobQuery
        package let needs: Needs

        /// Where it is read from: behind a place in it, or from its beginning.
        package func start(after place: JobCursor?, isReversed: Bool) -> JobCursor {
            if let place, place.state == state, scope == .all || place.queue == scope.number { return place }
            let first = isReversed ? Int64.max : .min
            return JobCursor(state: state, queue: scope == .all ? first : scope.number, order: first, job: first)
        }
    }

    /// What the checks look at.
    package struct Needs: OptionSet, Hashable, Sendable {
        package let rawValue: Int

        package static let headers = Needs(rawValue: 1)
        package static let errors = Needs(rawValue: 2)
        package static let payload = Needs(rawValue: 4)
        package static let errorGroup = Needs(rawValue: 8)
        /// The size of the payload, not its bytes.
        package static let payloadSize = Needs(rawValue: 16)
        /// The job's own row. Each may be on a page of the file of its own, so it is read only for what is in it.
        package static let job = Needs(rawValue: 32)
        /// The name of its queue, or of its group.
        package static let names = Needs(rawValue: 64)

        package init(rawValue: Int) { self.rawValue = rawValue }

        package init(of query: JobQuery) {
            self = query.terms.reduce(into: []) { needs, term in
                switch term.condition {
                case .header: needs.insert(.headers)
                case .error: needs.insert(.errors)
                case .errorGroup: needs.formUnion([.errors, .errorGroup])
                case .text: needs.formUnion([.errors, .payload])
                case .age: needs.insert(.job)
                case .queue, .group: needs.insert(.names)
                case .state, .attempts, .id: break
                }
            }
        }
    }

    /// What must be looked up before a query can be planned.
    package enum Lookup: Sendable {
        case nothing
        /// The numbers of the queues that it is about.
        case queues
        /// The numbers of the groups with one of these names, in the queues that it is about.
        case groups([String])

        package init(of query: JobQuery) {
            if query.ids != nil {
                self = .nothing
            } else if let names = query.groups {
                self = .groups(names)
            } else {
                let namesQueue = query.terms.contains { if case .queue = $0.condition { true } else { false } }
                self = namesQueue ? .queues : .nothing
            }
        }
    }

    package let parts: [Part]
    package let isReversed: Bool

    /// - Parameters:
    ///   - states: Those to look into, in the order of `JobState.allCases`.
    ///   - needs: What the caller reads of each job, besides what the query looks at.
    ///   - found: What was looked up, as ``Lookup`` says.
    package init(
        _ query: JobQuery, states: [JobState], isReversed: Bool = false, needs: Needs = [], found: [Int64]
    ) {
        let withoutStates = query.without { if case .state = $0.condition { true } else { false } }
        let withoutQueues = withoutStates.without { if case .queue = $0.condition { true } else { false } }
        let (scopes, residual): ([Scope], JobQuery)
        switch Lookup(of: query) {
        case .groups:
            scopes = found.map { .group($0) }
            residual = withoutQueues.without { term in
                if case .group = term.condition { !term.isNegated } else { false }
            }
        case .queues: (scopes, residual) = (found.map { .queue($0) }, withoutQueues)
        case .nothing:
            scopes = query.ids?.map { .job($0.rawValue) } ?? [.all]
            residual = withoutStates.without { term in
                if case .id = term.condition { !term.isNegated } else { false }
            }
        }
        let alike = Self.errorParts(query, withoutStates)
        parts = states.flatMap { state in
            let (scopes, residual) = state == .buried ? alike ?? (scopes, residual) : (scopes, residual)
            // What no check leaves out is listed, and must be there.
            let needs = residual.isEmpty ? needs.union(.job) : needs
            return scopes.sorted { isReversed ? $0.number > $1.number : $0.number < $1.number }.map { scope in
                Part(state: state, scope: scope, residual: residual, needs: Needs(of: residual).union(needs))
            }
        }
        self.isReversed = isReversed
    }

    /// One part alone.
    package init(_ part: Part) { (parts, isReversed) = ([part], false) }

    /// How buried jobs with like errors are found, if nothing finds fewer.
    private static func errorParts(_ query: JobQuery, _ withoutStates: JobQuery) -> ([Scope], JobQuery)? {
        guard query.ids == nil, query.groups == nil, let groups = query.errorGroups else { return nil }
        let residual = withoutStates.without { term in
            if case .errorGroup = term.condition { !term.isNegated } else { false }
        }
        return (groups.map { .errors($0.rawValue) }, residual)
    }

    /// The parts from that of a place on, or from the first behind it.
    package func parts(from place: JobCursor?) -> ArraySlice<Part> {
        guard let place else { return parts[...] }
        let states = JobState.allCases
        func rank(_ state: JobState) -> Int { states.firstIndex(of: state)! }
        return parts.drop { part in
            guard part.state == place.state else { return rank(part.state) < rank(place.state) }
            if part.scope == .all { return false }
            return isReversed ? part.scope.number > place.queue : part.scope.number < place.queue
        }
    }
}

extension QueryPlan {
    /// What a walk may still read.
    package struct Budget: Sendable {
        package var rows: Int
        package var bytes: Int

        package init(rows: Int, bytes: Int) { (self.rows, self.bytes) = (rows, bytes) }

        package var isSpent: Bool { rows <= 0 || bytes <= 0 }

        package static let page = Budget(rows: JobFilter.maximumRowsRead, bytes: JobFilter.maximumBytesRead)
    }

    /// How a walk over the jobs of a plan ended.
    package enum End: Equatable, Sendable {
        /// There are no more jobs.
        case end
        /// The visitor had enough with the job at this place.
        case enough(JobCursor)
        /// The budget is spent, and this is the place of the last row.
        case spent(JobCursor)

        package var next: JobCursor? {
            switch self {
            case .end: nil
            case .enough(let place), .spent(let place): place
            }
        }
    }
}

extension JobQuery {
    /// The queues that it names, and whose jobs may match; `nil`: it names none.
    package var namedQueues: [QueueName]? {
        let named = terms.compactMap { term in
            if case .queue(let name) = term.condition, !term.isNegated { name } else { nil }
        }
        return named.isEmpty ? nil : named.filter(includes)
    }

    /// Counts that every store keeps, and that say it all.
    package enum KeptCounts: Sendable {
        /// Of the queues that it includes, in its states.
        case queues
        /// Of buried jobs with like errors, in the queues that it includes.
        case errors([ErrorGroupID])
    }

    /// `nil`: the jobs must be counted. So they must if it has other terms than queues, states and groups of errors, or
    /// if jobs can match that are over: of them stores count those that were deleted too.
    package var keptCounts: KeptCounts? {
        var namesErrors = false
        for term in terms {
            switch term.condition {
            case .queue, .state: continue
            case .errorGroup where !term.isNegated: namesErrors = true
            case .group, .header, .error, .errorGroup, .age, .attempts, .id, .text: return nil
            }
        }
        if namesErrors { return states == [.buried] ? errorGroups.map(KeptCounts.errors) : nil }
        return states.allSatisfy { !$0.isOver } ? .queues : nil
    }
}
