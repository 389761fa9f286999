/// A job as a query looks at it. A store makes one for each job that it reads, so nothing is read before it is needed.
public protocol QueriedJob {
    var id: JobID { get }
    var queue: QueueName { get throws }
    var state: JobState { get }
    /// `nil`: it has none.
    var group: String? { get throws }
    var attempts: Int { get }
    var enqueuedAt: Timestamp { get }
    /// The group of its latest error; `nil`: it has none. See `ErrorFingerprint.of(reason:latestError:)`.
    var errorGroup: ErrorGroupID? { get throws }

    /// Whether the value of a header meets a condition; `false` if the job does not have it.
    ///
    /// - Parameter name: In small letters.
    func hasHeader(_ name: String, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool

    /// Whether the reason of its burial, cancellation or expiry, or the error of its last attempt that did not succeed,
    /// meets a condition.
    func hasError(where condition: (UnsafeRawBufferPointer) -> Bool) throws -> Bool

    /// Whether its payload, or that of one of a digest's events, meets a condition.
    func hasPayload(where condition: (UnsafeRawBufferPointer) -> Bool) throws -> Bool
}

extension JobQuery {
    /// Whether all terms hold.
    ///
    /// - Parameter now: The time from which `age` counts.
    public func matches(_ job: some QueriedJob, now: Timestamp) throws -> Bool {
        try clauses.allSatisfy { clause in try clause.contains { try $0.holds(for: job, now) } }
    }

    /// The states of jobs that may match, in the order of `JobState.allCases`.
    public var states: [JobState] {
        JobState.allCases.filter { state in
            holds { term in
                guard case .state(let named) = term.condition else { return nil }
                return named == state
            }
        }
    }

    /// Whether jobs of this queue may match.
    public func includes(_ queue: QueueName) -> Bool {
        holds { term in
            guard case .queue(let named) = term.condition else { return nil }
            return named == queue
        }
    }

    /// The queue, if the query names exactly one.
    public var queue: QueueName? {
        let names = terms.compactMap { term in
            if case .queue(let name) = term.condition, !term.isNegated { name } else { nil }
        }
        return names.count == 1 ? names[0] : nil
    }

    /// The ids of which a job must have one; `nil`: it names none.
    package var ids: [JobID]? {
        alternatives { if case .id(let id) = $0 { id } else { nil } }?.sorted()
    }

    /// The groups of which a job must be in one; `nil`: it names none.
    package var groups: [String]? {
        alternatives { if case .group(let name) = $0 { name.description } else { nil } }
    }

    /// The free texts that a job must have.
    package var texts: [QueryText] {
        terms.compactMap { term in
            if case .text(let text) = term.condition, !term.isNegated { text } else { nil }
        }
    }

    /// The groups of errors of which a job must have one; `nil`: it names none.
    package var errorGroups: [ErrorGroupID]? {
        alternatives { if case .errorGroup(let id) = $0 { id } else { nil } }
    }

    /// What is left to check for a store that has already found jobs by some of the conditions.
    package func without(_ isKnown: (Term) -> Bool) -> JobQuery {
        JobQuery(terms: terms.filter { !isKnown($0) })
    }

    private func alternatives<Value>(_ value: (Condition) -> Value?) -> [Value]? {
        let values = terms.compactMap { $0.isNegated ? nil : value($0.condition) }
        return values.isEmpty ? nil : values
    }

    /// Whether all clauses hold as far as this condition decides them; `nil`: it does not.
    private func holds(_ isTrue: (Term) -> Bool?) -> Bool {
        clauses.allSatisfy { clause in
            clause.contains { term in isTrue(term).map { $0 != term.isNegated } ?? true }
        }
    }
}

extension JobQuery.Term {
    fileprivate func holds(for job: some QueriedJob, _ now: Timestamp) throws -> Bool {
        try condition.holds(for: job, now) != isNegated
    }
}

extension JobQuery.Condition {
    fileprivate func holds(for job: some QueriedJob, _ now: Timestamp) throws -> Bool {
        switch self {
        case .id(let id): job.id == id
        case .queue(let name): try job.queue == name
        case .state(let state): job.state == state
        case .group(let name): try job.group.map(name.equals) ?? false
        case .attempts(let comparison, let number): comparison.holds(job.attempts, number)
        case .age(true, let age): job.enqueuedAt < now - age.milliseconds
        case .age(false, let age): job.enqueuedAt > now - age.milliseconds
        case .header(let name, let pattern): job.hasHeader(name, where: pattern.matches)
        case .error(let text): try job.hasError(where: text.isContained)
        case .errorGroup(let id): try job.errorGroup == id
        case .text(let text):
            try job.hasError(where: text.isContained) || job.hasPayload(where: text.isContained)
        }
    }
}
