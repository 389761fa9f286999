/// A job with all that a store knows of it: what ``JobStore/exportJobs(of:after:limit:)`` reads in one store and
/// ``JobStore/importJobs(_:)`` adds to another.
public struct StoredJob: Sendable, Hashable {
    /// The largest id, and the largest number of a burial: whole numbers up to here are exact in every reader of JSON,
    /// and leave room for all that come after.
    public static let maximumNumber: Int64 = 1 << 53
    /// The most jobs that one call adds.
    public static let maximumCount = 1_000
    /// A call that reads jobs ends after about this many bytes of payloads, and a caller that adds jobs should too.
    public static let maximumBytes = 4_194_304

    public var record: JobRecord
    package var body: JobBody
    /// Attempts that did not succeed, oldest first.
    public var failures: [JobFailure]
    /// Since when a ready job is ready; `nil`: since its enqueue.
    public var readyAt: Timestamp?
    /// The number of a buried job's burial: of two buried jobs of a queue the one with the smaller number is kicked first.
    public var burial: Int64?
    /// Whether a delayed job has run before, so that in a strict order its group waits for it.
    public var holdsGroup = false
    /// Whether a job with a unique key came back from a claim: it takes no more events, and nothing replaces it.
    public var wasClaimed = false
    /// Of a digest: when its first event came.
    public var openedAt: Timestamp?
    /// Of a digest: the latest time to which events move its start; `nil`: none.
    public var startLimit: Timestamp?

    /// A job as ``JobStore/job(_:)`` returns it. A store sets the rest.
    public init(_ job: JobDetails) {
        record = job.record
        body = job.body
        failures = job.failures
    }

    public var id: JobID { record.id }

    /// The payload, or that of a digest's first event.
    public var payload: [UInt8] {
        switch body {
        case .single(let payload): payload
        case .digest(let events): events.first ?? []
        }
    }

    /// The payloads of a digest, oldest first; `nil` for any other job.
    public var events: [[UInt8]]? { body.events }

    /// As it is added by an import. A job that was running has no holder in another store: it is ready from now on, and
    /// the attempt that was running counts. It does not count as a crash.
    ///
    /// The only place that decides this.
    public func released(at now: Timestamp) -> StoredJob {
        guard record.state == .leased else { return self }
        var job = self
        job.record.state = .ready
        job.record.worker = nil
        job.record.token = nil
        job.record.leaseExpiresAtMilliseconds = nil
        job.readyAt = now
        job.wasClaimed = record.uniqueKey != nil
        return job
    }

    /// When it becomes ready, was buried or ended; `nil` for a job that is ready or leased.
    public var stateTime: Timestamp? {
        switch record.state {
        case .ready, .leased: nil
        case .delayed: record.runAtMilliseconds
        case .buried: record.buriedAtMilliseconds
        case .done: record.doneAtMilliseconds
        case .cancelled: record.cancelledAtMilliseconds
        case .expired: record.expiredAtMilliseconds
        }
    }
}

/// Some jobs of a store, in the order of their ids.
public struct ExportedJobs: Sendable {
    public var jobs: [StoredJob]
    /// After which id the next call goes on; `nil`: there are no more jobs. There may be none here although more follow.
    public var next: JobID?

    public init(_ jobs: [StoredJob] = [], next: JobID? = nil) {
        self.jobs = jobs
        self.next = next
    }
}

/// What an import of some jobs has done.
public struct ImportedJobs: Sendable, Hashable {
    public var added: Int
    /// How many were there before, since an earlier import has added them.
    public var present: Int

    public init(added: Int = 0, present: Int = 0) {
        self.added = added
        self.present = present
    }

    package static func += (sum: inout ImportedJobs, other: ImportedJobs) {
        sum.added += other.added
        sum.present += other.present
    }
}

extension StintError {
    /// An import met another job with the id of one of its own.
    public static func idTaken(_ id: JobID) -> StintError {
        .invalidInput(
            "job \(id) cannot be added: another job has this id, with another queue, time of its enqueue or payload; import "
                + "into a database that has no jobs of its own")
    }

    /// An import met another job with the unique key of one of its own.
    public static func keyTaken(_ id: JobID, _ key: String, by holder: JobID) -> StintError {
        .invalidInput(
            "job \(id) cannot be added: its unique key \(quoted(key)) is that of job \(holder) in the same queue; wait until that "
                + "job is done, or delete it, and repeat the import")
    }
}
