/// A store that can be moved to another database, and to which another one can be moved; see ``DatabaseMove``.
///
/// All verbs but ``moveState(_:)`` are for the process that moves. The last process that has called
/// ``beginMove(_:to:)`` and ``beginArrival(_:from:)`` is that one: from then on all verbs of an earlier one fail, if it had
/// named itself (``MoveID/run``).
/// Each is one transaction, and can be repeated: if the process
/// dies after any of them, the next one goes on from what ``moveState(_:)`` says.
package protocol MovableStore: JobStore {
    /// What is known of a move from here, or to here; `nil`: there was none.
    func moveState(_ direction: MoveDirection) async throws -> MoveState?

    /// Emits when this database may have been moved, and spuriously. Costs nothing while nothing is revoked.
    func moveSignals() -> AsyncStream<Void>

    // MARK: - The database that is left

    /// Begins to note the ids of all jobs that are added, changed or deleted by anybody, and writes down the move
    /// (``MovePhase/copying``). Does nothing if this move has begun already.
    ///
    /// - Parameter target: The address of the database to which the jobs go.
    /// - Throws: `invalidInput` if another move has begun, or was made.
    func beginMove(_ move: MoveID, to target: String) async throws

    /// Some of the changes that are noted, oldest first, with the jobs as they are now: at most `limit` notes, and about
    /// ``StoredJob/maximumBytes`` of payloads. After the move no enqueue joins or replaces a job that was returned: it would be
    /// forwarded without that.
    func notedChanges(limit: Int) async throws -> NotedChanges

    /// Removes notes that ``notedChanges(limit:)`` has returned. Notes that came since stay, also of the same jobs.
    func removeNotes(_ notes: [Int64]) async throws

    /// Refuses everything but the enqueue of jobs for this long (``MovePhase/frozen``), and for
    /// ``MovePhase/longestFreeze`` at most: other verbs fail with `databaseBusy`. What was begun before has ended when this returns. If the time is over, all goes on as before;
    /// changes are still noted. May be called again to have more time.
    ///
    /// - Throws: `invalidInput` if this move has not begun.
    func freeze(_ move: MoveID, for duration: Duration) async throws

    /// The greatest fencing token that was granted here.
    func greatestToken() async throws -> FencingToken

    /// Which ticks the schedules have made, of those that are not paused.
    func scheduleTicks() async throws -> [ScheduleTicks]

    /// The idempotency keys that are kept, in the order of queues and keys; at most `limit`.
    func idempotencyKeys(after key: IdempotencyKeyRecord?, limit: Int) async throws -> [IdempotencyKeyRecord]

    /// **The commit point of the move** (``MovePhase/moved``). From then on verbs fail with `databaseMoved`; only enqueues
    /// are accepted, and noted, and unique keys of the jobs that were moved do not count here any more.
    ///
    /// - Parameter lastCopied: The greatest id of all jobs that were copied.
    /// - Returns: Whether it was made: `false` if the time of ``freeze(_:for:)`` is over, if a job is leased, or if a change of a
    ///   job up to `lastCopied` is noted. Nothing has changed then.
    func commitMove(_ move: MoveID, lastCopied: JobID?) async throws -> Bool

    /// Ends a move that was not committed: nothing is noted any more, and what was noted is deleted.
    ///
    /// - Throws: `invalidInput` if it was committed.
    func abandonMove(_ move: MoveID) async throws

    /// Deletes jobs, that were enqueued here after the move, and their notes. Only after the move was committed.
    func removeForwarded(_ jobs: [JobID], notes: [Int64]) async throws

    // MARK: - The database to which the jobs go

    /// Refuses everything but what the mover does (``MovePhase/arriving``): other processes get `databaseUnusable`.
    ///
    /// - Parameter source: The address of the database from which the jobs come.
    /// - Throws: `invalidInput` if there are jobs here, or schedules or webhooks, that are not of this move.
    func beginArrival(_ move: MoveID, from source: String) async throws

    /// Makes these jobs here what they are there: removes all of `ids`, without a trace, then adds `jobs` as
    /// ``importJobs(_:)`` does. A job that has the unique key of one of these is removed as well: it has lost it there, and
    /// that change is noted there.
    func replaceJobs(_ ids: [JobID], with jobs: [StoredJob]) async throws

    func addIdempotencyKeys(_ keys: [IdempotencyKeyRecord]) async throws

    /// Grants only greater tokens than this one from now on.
    func raiseTokens(above token: FencingToken) async throws

    /// Opens the database for everybody (``MovePhase/arrived``), after the move was committed. Does nothing if it is open
    /// already.
    func endArrival(_ move: MoveID) async throws

    /// Enqueues jobs that were enqueued in the other database after the move. A job that was forwarded before is left out, so
    /// that this may be repeated, and called by several processes at a time.
    func enqueueForwarded(_ jobs: [ForwardedJob], of move: MoveID) async throws

    /// Lets the schedules that are not paused go on as they would have there: see ``scheduleTicks()``.
    func setScheduleTicks(_ ticks: [ScheduleTicks]) async throws
}

package enum MoveDirection: String, Sendable {
    /// The jobs have left, or will.
    case out
    /// The jobs came here, or will.
    case `in`
}

/// Names one move, in both databases. A random number as text.
package struct MoveID: Sendable, Hashable, CustomStringConvertible {
    package let description: String
    /// Names the process that moves: one that continues after another, which may only have been stopped, has another
    /// one. Empty: it does not matter which. Not a part of what the move is.
    package var run = ""

    package init(_ description: String, run: String = "") {
        self.description = description
        self.run = run
    }

    /// A number that no other move or process has.
    package static func newName() -> String { String(UInt64.random(in: UInt64.min...UInt64.max), radix: 36) }

    package static func == (one: MoveID, other: MoveID) -> Bool { one.description == other.description }

    package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

package enum MovePhase: String, Sendable {
    /// Of the database that is left: changes are noted.
    case copying
    /// Of the database that is left: refuses all but enqueues until a time.
    case frozen
    /// Of the database that is left: the other one is in its place.
    case moved
    /// Of the database to which the jobs go: only the mover may use it.
    case arriving
    /// Of the database to which the jobs went.
    case arrived
}

extension MovePhase {
    /// The longest time of a freeze.
    package static let longestFreeze: Duration = .seconds(60)
}

package struct MoveState: Sendable, Hashable {
    package let move: MoveID
    package let phase: MovePhase
    /// The address of the other database.
    package let peer: String

    package init(move: MoveID, phase: MovePhase, peer: String) {
        self.move = move
        self.phase = phase
        self.peer = peer
    }
}

package struct NotedChanges: Sendable {
    /// The numbers of the notes.
    package var notes: [Int64]
    /// The jobs that they name, each once.
    package var ids: [JobID]
    /// Those of them that are there.
    package var jobs: [StoredJob]

    package init(notes: [Int64] = [], ids: [JobID] = [], jobs: [StoredJob] = []) {
        self.notes = notes
        self.ids = ids
        self.jobs = jobs
    }
}

package struct ScheduleTicks: Sendable, Hashable {
    package var name: String
    /// Ticks up to here have made their jobs, or will make none.
    package var until: Timestamp
    package var next: Timestamp

    package init(name: String, until: Timestamp, next: Timestamp) {
        self.name = name
        self.until = until
        self.next = next
    }
}

package struct IdempotencyKeyRecord: Sendable, Hashable {
    package var queue: QueueName
    package var key: String
    package var job: JobID
    package var enqueuedAt: Timestamp

    package init(queue: QueueName, key: String, job: JobID, enqueuedAt: Timestamp) {
        self.queue = queue
        self.key = key
        self.job = job
        self.enqueuedAt = enqueuedAt
    }
}

/// A job that was enqueued in a database that has been moved.
package struct ForwardedJob: Sendable {
    /// Its id there.
    package let id: JobID
    /// What is enqueued here: several for a digest.
    package let jobs: [NewJob]

    package init(id: JobID, jobs: [NewJob]) {
        self.id = id
        self.jobs = jobs
    }
}
