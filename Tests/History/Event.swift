/// One line of a history: what a process was about to do, what it was told, or what the harness did to it.
///
/// Whoever acts writes `invoked` first, acts, and writes how that ended, so that in the order of the lines whatever was
/// done lies between the two. A process that dies between them leaves the outcome unknown.
package struct Event: Codable, Sendable, Equatable {
    /// Nanoseconds of the machine's monotonic clock, or of a simulated one.
    package var time: Int64
    /// Which process, or logical one: a name that is never used again.
    package var process: String
    package var kind: EventKind

    package init(time: Int64, process: String, kind: EventKind) {
        self.time = time
        self.process = process
        self.kind = kind
    }
}

package enum EventKind: Codable, Sendable, Equatable {
    /// A process begins; the name of the one that watches it and takes its jobs back, and what it is there for.
    case began(supervisor: String?, role: String? = nil)
    /// It ended by itself, in order.
    case ended
    /// The harness is about to kill it. Nothing that it says afterwards counts, since it says nothing.
    case killed
    /// The harness stops it (SIGSTOP), or lets it go on.
    case stopped, continued
    /// The harness begins to copy the database.
    case copying
    /// It has put the last such copy in the database's place: what was done since `copying` may be undone, and nothing
    /// else; nobody holds a lease.
    case replaced
    /// `call` pairs it with its outcome; it is unique within the process.
    case invoked(call: Int, Call)
    case returned(call: Int, Answer)
    /// Refused: nothing has changed. The code is that of a StintError.
    case failed(call: Int, code: String)
    /// It may have happened or not.
    case unknown(call: Int, code: String)
    case handlerStarted(job: Int64, token: Int64)
    case handlerFinished(job: Int64, token: Int64)
    /// It has ended too, with an error.
    case handlerThrew(job: Int64, token: Int64)
}

/// A word to the store.
package enum Call: Codable, Sendable, Equatable {
    case enqueue([NewJob])
    case exchange([Settlement], claim: Claim?)
    /// Until `deadline`, by the monotonic clock in milliseconds.
    case extend([Lease], deadline: Int64)
    case kick(jobs: [Int64])
    case kickQueue(String)
    case bury(jobs: [Int64])
    case delete(jobs: [Int64])
    /// With the clock that leases are compared with.
    case reap(monotonic: Int64, boot: String)
    case register
    /// What the worker of this number holds, where it cannot know.
    case lookUp(worker: Int64)
    /// The numbers of the workers; whether somebody is to blame.
    case reclaim(workers: [Int64], blames: Bool)

    package struct NewJob: Codable, Sendable, Equatable {
        /// Unique in the history, and kept in the job's payload.
        package var reference: String
        package var queue: String
        package var uniqueKey: String?

        package init(reference: String, queue: String, uniqueKey: String? = nil) {
            self.reference = reference
            self.queue = queue
            self.uniqueKey = uniqueKey
        }
    }

    package struct Lease: Codable, Sendable, Hashable {
        package var job: Int64
        package var token: Int64

        package init(job: Int64, token: Int64) {
            self.job = job
            self.token = token
        }
    }

    package struct Settlement: Codable, Sendable, Equatable {
        package var lease: Lease
        package var outcome: Outcome

        package init(_ lease: Lease, _ outcome: Outcome) {
            self.lease = lease
            self.outcome = outcome
        }
    }

    package enum Outcome: String, Codable, Sendable {
        case ack, release, suspect, fail, crash, bury
    }

    package struct Claim: Codable, Sendable, Equatable {
        /// The worker's number.
        package var worker: Int64?
        /// When the leases end, by the monotonic clock in milliseconds.
        package var deadline: Int64
        package var boot: String

        package init(worker: Int64?, deadline: Int64, boot: String) {
            self.worker = worker
            self.deadline = deadline
            self.boot = boot
        }
    }
}

/// What the store said.
package enum Answer: Codable, Sendable, Equatable {
    case enqueued([Enqueued])
    case exchanged([Settled], claimed: [Claimed])
    /// Those that no longer stand.
    case extended(lost: [Call.Lease])
    case registered(worker: Int64)
    case held([Call.Lease])
    /// Of all the other verbs.
    case done

    package struct Enqueued: Codable, Sendable, Equatable {
        package var job: Int64
        package var isDuplicate: Bool

        package init(job: Int64, isDuplicate: Bool) {
            self.job = job
            self.isDuplicate = isDuplicate
        }
    }

    package enum Settled: String, Codable, Sendable {
        case ready, delayed, leased, buried, done, leaseLost
    }

    package struct Claimed: Codable, Sendable, Equatable {
        package var lease: Call.Lease
        package var queue: String
        package var attempt: Int
        package var maxAttempts: Int
        package var runsAlone: Bool

        package init(lease: Call.Lease, queue: String, attempt: Int, maxAttempts: Int, runsAlone: Bool) {
            self.lease = lease
            self.queue = queue
            self.attempt = attempt
            self.maxAttempts = maxAttempts
            self.runsAlone = runsAlone
        }
    }
}
