/// One line of a history: what a process was about to do, how it was answered, or what the harness did to it.
///
/// A process that acts writes `invoked` first, acts, and writes how that ended. So in the order of the lines, what it
/// did lies between the two. A process that dies between them leaves the outcome unknown.
package struct Event: Codable, Sendable, Equatable {
    /// Nanoseconds of the machine's monotonic clock, or of a simulated one.
    package var time: Int64
    /// The name of the process, real or logical; it is never used again.
    package var process: String
    package var kind: EventKind

    package init(time: Int64, process: String, kind: EventKind) {
        self.time = time
        self.process = process
        self.kind = kind
    }
}

package enum EventKind: Codable, Sendable, Equatable {
    /// A process begins; `supervisor` names the process that watches it and reclaims its jobs, `role` its purpose.
    case began(supervisor: String?, role: String? = nil)
    /// It ended by itself, in order.
    case ended
    /// The harness is about to kill it.
    case killed
    /// The harness stops it (SIGSTOP), or continues it.
    case stopped, continued
    /// The harness begins to copy the database.
    case copying
    /// It sets the wall clock, which shows this many milliseconds then; `nil`: not known.
    case clockSet(wall: Int64? = nil)
    /// It has put the last such copy in the database's place: what was done since `copying` may be undone, and nothing
    /// else; nobody holds a lease.
    case replaced
    /// `call` pairs it with its outcome; it is unique within the process.
    case invoked(call: Int, Call)
    case returned(call: Int, Answer)
    /// Refused: nothing has changed. The code is that of a StintError.
    case failed(call: Int, code: String)
    /// It may or may not have happened.
    case unknown(call: Int, code: String)
    /// With the wall clock's milliseconds, if they are known.
    case handlerStarted(job: Int64, token: Int64, wall: Int64? = nil)
    case handlerFinished(job: Int64, token: Int64)
    /// The handler is about to start with the events of a digest, by their references.
    case handedEvents(job: Int64, token: Int64, references: [String])
    /// The handler has ended too, with an error.
    case handlerThrew(job: Int64, token: Int64)
}

/// A call of the store.
package enum Call: Codable, Sendable, Equatable {
    case enqueue([NewJob])
    case exchange([Settlement], claim: Claim?)
    /// Until `deadline`, by the monotonic clock in milliseconds.
    case extend([Lease], deadline: Int64)
    case kick(jobs: [Int64])
    case kickQueue(String)
    case bury(jobs: [Int64])
    case delete(jobs: [Int64])
    /// Those of a selection are not certain: it may find them in other states.
    case cancel(jobs: [Int64], isCertain: Bool)
    /// With the clock reading that leases are compared with.
    case reap(monotonic: Int64, boot: String)
    case register
    /// Of a worker that is registered.
    case renew
    /// Looks up what the worker with this number holds, if it cannot know.
    case lookUp(worker: Int64)
    /// The numbers of the workers, and whether a job may be blamed.
    case reclaim(workers: [Int64], blames: Bool)
    /// With the wall clock's milliseconds before the call.
    case setSchedule(Schedule, wall: Int64)
    /// Pauses, resumes or deletes it.
    case changeSchedule(name: String)
    /// Ticks all schedules that are due; with the wall clock's milliseconds before the call.
    case tick(wall: Int64)
    case limit(queue: String, Limits)
    case weigh(queue: String, group: String, weight: Int)

    package struct NewJob: Codable, Sendable, Equatable {
        /// Unique in the history, and kept in the job's payload.
        package var reference: String
        package var queue: String
        package var uniqueKey: String?
        /// What happens to the job that has the key; `nil`: it is kept.
        package var conflict: Conflict?
        /// How long after its enqueue it expires, in milliseconds.
        package var expires: Int64?
        package var group: String?
        /// `nil`: not recorded, and the same for all.
        package var priority: UInt32?
        /// Whether it is not ready at once; `nil`: it is.
        package var isDelayed: Bool?
        package var idempotency: Idempotency?

        package struct Idempotency: Codable, Sendable, Equatable {
            package var key: String
            /// The wall clock's milliseconds before the call.
            package var wall: Int64

            package init(key: String, wall: Int64) {
                self.key = key
                self.wall = wall
            }
        }

        package enum Conflict: String, Codable, Sendable {
            case replace, collect
        }

        package init(
            reference: String, queue: String, uniqueKey: String? = nil, conflict: Conflict? = nil,
            expires: Int64? = nil, group: String? = nil, priority: UInt32? = nil, isDelayed: Bool? = nil,
            idempotency: Idempotency? = nil
        ) {
            self.reference = reference
            self.queue = queue
            self.uniqueKey = uniqueKey
            self.conflict = conflict
            self.expires = expires
            self.group = group
            self.priority = priority
            self.isDelayed = isDelayed
            self.idempotency = idempotency
        }
    }

    /// A change of a queue's limits: `nil` is as before, and 0 is no limit.
    package struct Limits: Codable, Sendable, Equatable {
        package var concurrency: Int?
        package var rate: Rate?
        package var groupConcurrency: Int?
        package var groupRate: Rate?
        package var isLoose: Bool?
        package var isFair: Bool?

        package struct Rate: Codable, Sendable, Hashable {
            package var starts: Int
            /// In milliseconds.
            package var window: Int64

            package init(starts: Int, window: Int64) {
                self.starts = starts
                self.window = window
            }

            package static let none = Rate(starts: 0, window: 0)
        }

        package init(
            concurrency: Int? = nil, rate: Rate? = nil, groupConcurrency: Int? = nil, groupRate: Rate? = nil,
            isLoose: Bool? = nil, isFair: Bool? = nil
        ) {
            self.concurrency = concurrency
            self.rate = rate
            self.groupConcurrency = groupConcurrency
            self.groupRate = groupRate
            self.isLoose = isLoose
            self.isFair = isFair
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
        case ack, release, suspect, fail, crash, bury, expire, refuse
    }

    package struct Claim: Codable, Sendable, Equatable {
        /// The worker's number.
        package var worker: Int64?
        /// When the leases end, by the monotonic clock in milliseconds.
        package var deadline: Int64
        package var boot: String
        /// The wall clock's milliseconds before the call.
        package var wall: Int64?
        /// How many jobs at most, and how many of them can be started at once.
        package var limit: Int?
        package var idleSlots: Int?

        package init(
            worker: Int64?, deadline: Int64, boot: String, wall: Int64? = nil, limit: Int? = nil, idleSlots: Int? = nil
        ) {
            self.worker = worker
            self.deadline = deadline
            self.boot = boot
            self.wall = wall
            self.limit = limit
            self.idleSlots = idleSlots
        }

        /// How many jobs of a group it may take in a row, as docs/limits.md promises.
        ///
        /// - Parameter groupsAreLimited: Whether the queue may limit how many of a group run.
        func mostInARow(groupsAreLimited: Bool) -> Int {
            guard let limit, let idleSlots else { return 1 }
            return max(1, min(16, limit / max(4, min(idleSlots, groupsAreLimited ? 8 : 32))))
        }
    }
}

/// The store's answer.
package enum Answer: Codable, Sendable, Equatable {
    case enqueued([Enqueued])
    case exchanged([Settled], claimed: [Claimed])
    /// The leases that are no longer valid.
    case extended(lost: [Call.Lease])
    case registered(worker: Int64, writesThroughSupervisor: Bool? = nil)
    case held([Call.Lease])
    /// Whether the schedule is new, or was replaced; otherwise it was there with the same contents.
    case scheduled(isNew: Bool, isReplaced: Bool)
    /// How many ticks have made jobs, and whether no other was due.
    case ticked(Int, isComplete: Bool)
    /// A reap has put groups back in line that no claim would have found.
    case repaired(groups: Int)
    /// The answer of all other verbs.
    case done

    package struct Enqueued: Codable, Sendable, Equatable {
        package var job: Int64
        package var isDuplicate: Bool
        /// Whether its payload went into a job that was there: it replaced the job's, or a digest took it. `nil`: no.
        package var joined: Bool?

        package init(job: Int64, isDuplicate: Bool, joined: Bool? = nil) {
            self.job = job
            self.isDuplicate = isDuplicate
            self.joined = joined
        }
    }

    package enum Settled: String, Codable, Sendable {
        case ready, delayed, leased, buried, done, expired, leaseLost
    }

    package struct Claimed: Codable, Sendable, Equatable {
        package var lease: Call.Lease
        package var queue: String
        package var attempt: Int
        package var maxAttempts: Int
        package var runsAlone: Bool
        /// When it expires, by the wall clock in milliseconds.
        package var expiresAt: Int64?

        package init(
            lease: Call.Lease, queue: String, attempt: Int, maxAttempts: Int, runsAlone: Bool, expiresAt: Int64? = nil
        ) {
            self.lease = lease
            self.queue = queue
            self.attempt = attempt
            self.maxAttempts = maxAttempts
            self.runsAlone = runsAlone
            self.expiresAt = expiresAt
        }
    }
}
