import StintCore

/// Queries, by looking at each job.
extension InMemoryState {
    /// How the jobs of a list are ordered.
    private func place(of job: Job, _ query: JobQuery) -> JobCursor {
        // Within one queue the queue does not matter; leased jobs are listed by their ids alone.
        let isLeased = job.place.state == .leased
        let queue = query.queue == nil && !isLeased ? queues[job.queue]?.number ?? 0 : 0
        return JobCursor(state: job.place.state, queue: queue, order: Self.order(of: job), job: job.id.rawValue)
    }

    /// The jobs of some states behind a place, in the order of lists.
    private func rows(
        _ query: JobQuery, _ states: [JobState], after place: JobCursor?, isReversed: Bool = false
    ) -> [(place: JobCursor, job: Job)] {
        func rank(_ state: JobState) -> Int { JobState.allCases.firstIndex(of: state)! }
        func isBefore(_ one: JobCursor, _ other: JobCursor) -> Bool {
            guard one.state == other.state else { return rank(one.state) < rank(other.state) }
            let (one, other) = isReversed ? (other, one) : (one, other)
            return (one.queue, one.order, one.job) < (other.queue, other.order, other.job)
        }
        return jobs.values.filter { states.contains($0.place.state) }
            .map { (place: self.place(of: $0, query), job: $0) }
            .filter { row in place.map { isBefore($0, row.place) } ?? true }
            .sorted { isBefore($0.place, $1.place) }
    }

    func page(_ filter: JobFilter, after cursor: JobCursor?, _ now: StoreTime) throws -> JobPage {
        let limit = min(filter.limit, JobFilter.maximumLimit)
        guard limit > 0 else { return JobPage() }
        var (page, bytes, seen) = (JobPage(), 0, 0)
        let indexed = filter.query.indexed
        for (place, job) in rows(filter.query, filter.query.states, after: cursor, isReversed: filter.isReversed) {
            guard page.jobs.count < limit, bytes < JobFilter.maximumBytes else { return page }
            guard seen < JobFilter.maximumRowsRead else {
                page.isCut = true
                return page
            }
            // What an index finds costs no reading.
            guard try indexed.matches(QueriedInMemory(job), now: now.wall) else { continue }
            seen += 1
            page.next = place
            guard try filter.query.matches(QueriedInMemory(job), now: now.wall) else { continue }
            let record = record(job)
            bytes += 200 + record.headers.byteCount + (record.reason?.utf8.count ?? 0)
            page.jobs.append(record)
        }
        if page.jobs.count < limit { page.next = nil }
        return page
    }

    func count(_ query: JobQuery, after cursor: JobCursor?, _ now: StoreTime) throws -> JobCount {
        var (count, seen, last) = (0, 0, cursor)
        for (place, job) in rows(query, query.states, after: cursor) where query.includes(job.queue) {
            if let last, seen == 2 * JobFilter.maximumRowsRead, query.indexed != query {
                return .moreThan(count, next: last)
            }
            (seen, last) = (seen + 1, place)
            if try query.matches(QueriedInMemory(job), now: now.wall) { count += 1 }
        }
        return .exactly(count)
    }

    func select(
        _ selection: JobSelection, _ states: [JobState], for change: JobChange? = nil, from cursor: SelectionCursor?,
        limit: Int, _ now: StoreTime
    ) throws -> SelectionStep {
        let start = cursor?.at(nil) ?? newWalk(now)
        let lastBurial = start.lastBurial(for: change)
        var (selected, seen, last): ([JobID], Int, JobCursor?) = ([], 0, cursor?.place)
        func step(_ next: JobCursor?) -> SelectionStep {
            SelectionStep(
                jobs: selected,
                next: next.map { start.at($0) }, start: start)
        }
        for (place, job) in rows(selection.query, states, after: cursor?.place)
        where selection.query.includes(job.queue) {
            if seen == Self.rowsPerStep { return step(last) }
            (seen, last) = (seen + 1, place)
            guard job.id.rawValue <= start.newest, job.place.state != .buried || job.burial <= lastBurial,
                try meets(job, selection, start.start)
            else { continue }
            selected.append(job.id)
            if selected.count >= limit { return step(place) }
        }
        return step(nil)
    }

    /// A walk that begins before all jobs.
    func newWalk(_ now: StoreTime) -> SelectionCursor {
        SelectionCursor(newest: lastJob, lastBurial: lastBurial, start: now.wall)
    }

    private func meets(_ job: Job, _ selection: JobSelection, _ now: Timestamp) throws -> Bool {
        if let time = selection.enqueuedBefore.map(StoredTime.timestamp), job.enqueuedAt >= time { return false }
        if let since = selection.buriedSince.map(StoredTime.timestamp) {
            guard case .buried(let at, _) = job.place, at >= since else { return false }
        }
        return try selection.query.matches(QueriedInMemory(job), now: now)
    }

    func errorGroups(_ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?) -> ErrorGroupPage {
        var groups: [ErrorGroupID: ErrorGroup] = [:]
        for job in jobs.values.sorted(by: { $0.id > $1.id }) {
            guard filter.kind.states.contains(job.place.state), filter.queue.map({ $0 == job.queue }) ?? true,
                let error = QueriedInMemory(job).errorSource
            else { continue }
            var time = job.failures.last.map { StoredTime.timestamp($0.at) } ?? 0
            if case .buried(let at, _) = job.place { time = at }
            let fingerprint = ErrorFingerprint(error)
            let one = ErrorGroup(
                id: fingerprint.id, fingerprint: fingerprint.text, jobs: 1, queues: [job.queue], firstSeen: time,
                lastSeen: time, sample: job.id, sampleError: error)
            if groups[one.id]?.add(one) == nil { groups[one.id] = one }
        }
        let rest = groups.values.sorted(by: ErrorGroup.isLarger).filter { group in
            cursor.map { (Int64(group.jobs), group.id.rawValue) < ($0.order, $0.position) } ?? true
        }
        guard filter.kind == .buried else { return ErrorGroupPage(groups: rest) }
        let limit = max(0, min(filter.limit, ErrorGroupFilter.maximumLimit))
        let page = Array(rest.prefix(limit))
        let next = page.last.map { ErrorGroupCursor(order: Int64($0.jobs), position: $0.id.rawValue) }
        return ErrorGroupPage(groups: page, next: page.count == limit ? next : nil)
    }
}

extension JobQuery {
    /// The terms that a store with indexes answers without a look at each job.
    fileprivate var indexed: JobQuery {
        JobQuery(
            terms: terms.filter { term in
                switch term.condition {
                case .queue, .state: true
                case .group, .id: !term.isNegated
                case .header, .error, .errorGroup, .age, .attempts, .text: false
                }
            })
    }
}

/// A job as queries look at it.
struct QueriedInMemory: QueriedJob {
    private let job: InMemoryState.Job

    init(_ job: InMemoryState.Job) {
        self.job = job
    }

    var id: JobID { job.id }
    var queue: QueueName { job.queue }
    var state: JobState { job.place.state }
    var group: String? { job.options.group }
    var attempts: Int { Int(job.attempts) }
    var enqueuedAt: Timestamp { job.enqueuedAt }

    /// What its latest error is grouped by; `nil`: it has none.
    var errorSource: String? {
        var burial: String?
        if case .buried(_, let reason) = job.place { burial = reason }
        return ErrorFingerprint.source(reason: burial, latestError: job.failures.last?.error)
    }

    var errorGroup: ErrorGroupID? { errorSource.map { ErrorFingerprint($0).id } }

    func hasHeader(_ name: String, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        job.options.headers[name].map { Array($0.utf8).withUnsafeBytes(condition) } ?? false
    }

    func hasError(where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        var reason: String?
        switch job.place {
        case .buried(_, let text), .cancelled(_, let text), .expired(_, let text): reason = text
        case .ready, .delayed, .leased, .done: break
        }
        return [reason, job.failures.last?.error].compactMap(\.self)
            .contains { Array($0.utf8).withUnsafeBytes(condition) }
    }

    func hasPayload(where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        (job.events ?? [job.payload]).contains { $0.withUnsafeBytes(condition) }
    }
}
