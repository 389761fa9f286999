/// A history with its lines sorted: calls with their outcomes, and for each job the calls about it.
///
/// All positions are line numbers. The effect of a call lies between the lines `invoked` and `ended`.
package struct History {
    package struct Made {
        package let process: String
        let call: Call
        let invoked: Int
        /// `Int.max` if the call was never answered.
        var ended = Int.max
        var outcome = Outcome.unknown
        /// From the invocation to the outcome, in nanoseconds.
        var duration: Int64 = .max

        var mayHaveHappened: Bool { if case .failed = outcome { false } else { true } }

        /// Whether it can have happened before a line of the history, and not whole before another.
        func mayHaveHappened(after start: Int, before end: Int) -> Bool {
            mayHaveHappened && invoked < end && ended > start
        }
    }

    package enum Outcome: Equatable {
        case returned(Answer)
        case failed(code: String)
        case unknown
    }

    /// A job that was handed out.
    package struct Claim {
        let facts: Answer.Claimed
        let terms: Call.Claim
        package let process: String
        let invoked: Int
        let returned: Int
        /// Its place among the jobs of the answer.
        let index: Int

        var token: Int64 { facts.lease.token }
        var job: Int64 { facts.lease.job }
    }

    /// One job's part of an exchange.
    package struct Settled {
        package let settlement: Call.Settlement
        package let process: String
        let invoked: Int
        let ended: Int
        let mayHaveHappened: Bool
        /// `nil` if the call was never answered.
        package let answer: Answer.Settled?

        /// Whether it may have ended the lease.
        var mayHaveSettled: Bool { mayHaveHappened && answer != .leaseLost }
        var hasSettled: Bool { answer != nil && answer != .leaseLost }
    }

    package struct Run {
        package let process: String
        package let lease: Call.Lease
        package let started: Int
        /// By the wall clock, in milliseconds.
        var wall: Int64?
        package var finished: Int?
        var threw: Int?

        var hasEnded: Bool { finished != nil || threw != nil }
    }

    package struct Enqueue {
        let job: Call.NewJob
        let made: Made
        /// `nil` if the enqueue did not return.
        let answer: Answer.Enqueued?
    }

    /// A group of a queue; `nil`: the jobs without one.
    package struct GroupName: Hashable {
        let queue: String
        let group: String?
    }

    /// The calls about one job.
    package struct JobHistory {
        package var claims: [Claim] = []
        package var settled: [Settled] = []
        package var runs: [Run] = []
        /// Kicks by an operator.
        var kicks: [Made] = []
        package var buries: [Made] = []
        var deletes: [Made] = []
        /// By token: the events that the run of a digest was given.
        package var handed: [Int64: [String]] = [:]
        package var cancels: [Made] = []
        /// Those of the cancels that are certain to be about this job.
        var certainCancels: [Made] {
            cancels.filter { if case .cancel(_, isCertain: true) = $0.call { true } else { false } }
        }
        /// What a person did that ended its lease.
        var revocations: [Made] { buries + deletes + cancels }
    }

    private(set) var made: [Made] = []
    private(set) var enqueues: [Enqueue] = []
    /// Those that have an expiry.
    private(set) var expiringJobs: Set<Int64> = []
    /// Those whose enqueue may have been undone.
    private(set) var undoneJobs: Set<Int64> = []
    package private(set) var jobHistories: [Int64: JobHistory] = [:]
    /// The leases that each process was given.
    private(set) var handedOut: [String: [Call.Lease]] = [:]
    /// The runs that each process has started.
    private(set) var runs: [String: [Call.Lease]] = [:]
    private(set) var reaps: [Made] = []
    private(set) var reclaims: [Made] = []
    /// All that was done with schedules, and their ticks.
    private(set) var scheduleCalls: [Made] = []
    /// By the process from which jobs were reclaimed.
    private(set) var reclaimsFrom: [String: [Made]] = [:]
    private(set) var queueKicks: [String: [Made]] = [:]
    private(set) var limitChanges: [String: [(change: Call.Limits, made: Made)]] = [:]
    /// All that a group may have had, besides the first, which is 1.
    private(set) var weights: [GroupName: [Int]] = [:]
    /// Claims that may have taken jobs, and nobody was told.
    private(set) var unknownClaims: [Made] = []
    private(set) var mostInARowOfUnknownClaims = 1
    /// By token: the extensions that returned, with their lines.
    private(set) var extensions: [Int64: [(leases: Set<Call.Lease>, deadline: Int64, made: Made)]] = [:]
    /// The process that registered a worker.
    private(set) var registrations: [Int64: String] = [:]
    /// Processes with a worker that may be registered and never began.
    private(set) var unansweredRegistrations: Set<String> = []
    /// The workers whose supervisor writes for them.
    private(set) var supervisedWriters: Set<Int64> = []
    /// The leases that workers have found in the store: a claim of unknown outcome has given these to them.
    private(set) var found: [String: Set<Call.Lease>] = [:]
    /// The line of the last event that a process wrote itself.
    private(set) var lastWord: [String: Int] = [:]
    private(set) var supervisors: [String: String] = [:]
    /// Whether jobs were run by processes with the role ``command``, which know nothing of claims.
    private(set) var hasCommands = false
    package static let command = "command"
    /// When the harness killed it.
    private(set) var killed: [String: Int] = [:]
    /// Where the harness stopped it, and how many jobs it had started by then.
    private(set) var stops: [String: [(line: Int, runs: Int)]] = [:]
    /// From the line where the harness began to copy the database to the one where the copy was in its place.
    private(set) var replacements: [ClosedRange<Int>] = []
    /// Where the harness has set the wall clock, and to which milliseconds if that is known.
    private(set) var clockSettings: [(line: Int, wall: Int64?)] = []
    /// By line, in nanoseconds.
    private(set) var times: [Int64] = []
    /// Lines that do not fit the others.
    private(set) var disorders: [String] = []

    package init(_ events: [Event]) {
        var open: [String: [Int: (index: Int, time: Int64)]] = [:]
        var copying: Int?
        for (line, event) in events.enumerated() {
            times.append(event.time)
            switch event.kind {
            case .began(let supervisor, let role):
                hasCommands = hasCommands || role == Self.command
                supervisors[event.process] = supervisor
            case .ended: break
            case .killed:
                killed[event.process] = line
                continue
            case .stopped:
                stops[event.process, default: []].append((line, runs[event.process]?.count ?? 0))
                continue
            case .continued: continue
            case .copying:
                copying = line
                continue
            case .clockSet(let wall):
                clockSettings.append((line, wall))
                continue
            case .replaced:
                if let copying { replacements.append(copying...line) }
                continue
            case .invoked(let number, let call):
                if open[event.process, default: [:]].updateValue((made.count, event.time), forKey: number) != nil {
                    disorders.append("line \(line): call \(number) of \(event.process) is invoked twice")
                }
                made.append(Made(process: event.process, call: call, invoked: line))
            case .returned(let number, let answer):
                end(number, event, line, .returned(answer), &open)
            case .failed(let number, let code):
                end(number, event, line, .failed(code: code), &open)
            case .unknown(let number, _):
                end(number, event, line, .unknown, &open)
            case .handlerStarted(let job, let token, let wall):
                let lease = Call.Lease(job: job, token: token)
                jobHistories[job, default: JobHistory()].runs.append(
                    Run(process: event.process, lease: lease, started: line, wall: wall))
                runs[event.process, default: []].append(lease)
            case .handedEvents(let job, let token, let references):
                jobHistories[job, default: JobHistory()].handed[token] = references
            case .handlerFinished(let job, let token):
                let lease = Call.Lease(job: job, token: token)
                guard let index = jobHistories[job]?.runs.lastIndex(where: { $0.lease == lease && $0.finished == nil })
                else {
                    disorders.append("line \(line): a handler of job \(job) finished that had not started")
                    break
                }
                jobHistories[job]?.runs[index].finished = line
            case .handlerThrew(let job, let token):
                let lease = Call.Lease(job: job, token: token)
                if let index = jobHistories[job]?.runs.lastIndex(where: { $0.lease == lease && !$0.hasEnded }) {
                    jobHistories[job]?.runs[index].threw = line
                }
            }
            lastWord[event.process] = line
        }
        for made in made { sortIn(made) }
        for made in reclaims {
            guard case .reclaim(let workers, _) = made.call else { continue }
            for process in Set(workers.compactMap { registrations[$0] }) {
                reclaimsFrom[process, default: []].append(made)
            }
        }
    }

    private mutating func end(
        _ number: Int, _ event: Event, _ line: Int, _ outcome: Outcome,
        _ open: inout [String: [Int: (index: Int, time: Int64)]]
    ) {
        guard let (index, time) = open[event.process]?.removeValue(forKey: number) else {
            return disorders.append(
                "line \(line): call \(number) of \(event.process) has an outcome and was not invoked")
        }
        made[index].ended = line
        made[index].outcome = outcome
        made[index].duration = event.time - time
        if case .unknown = outcome {
            // It may still happen: with the sync that comes next.
            made[index].ended = .max
        }
    }

    /// Whether what was done between two lines may have been undone: the database has been replaced by an older copy.
    func mayBeUndone(from start: Int, to end: Int) -> Bool {
        replacements.contains { $0.overlaps(start...max(start, end)) }
    }

    func mayBeUndone(_ made: Made) -> Bool { mayBeUndone(from: made.invoked, to: made.ended) }

    private mutating func sortIn(_ made: Made) {
        switch made.call {
        case .enqueue(let jobs):
            var answers: [Answer.Enqueued]?
            if case .returned(.enqueued(let all)) = made.outcome { answers = all }
            for (index, job) in jobs.enumerated() {
                enqueues.append(Enqueue(job: job, made: made, answer: answers?[index]))
                if job.expires != nil, let answer = answers?[index], !answer.isDuplicate {
                    expiringJobs.insert(answer.job)
                }
                if let answer = answers?[index], !answer.isDuplicate, mayBeUndone(made) {
                    undoneJobs.insert(answer.job)
                }
            }
        case .exchange(let settlements, let terms): sortIn(settlements, terms, made)
        case .extend(let leases, let deadline):
            guard case .returned(.extended(let lost)) = made.outcome else { return }
            let extended = Set(leases).subtracting(lost)
            for token in Set(extended.map(\.token)) {
                extensions[token, default: []].append((extended.filter { $0.token == token }, deadline, made))
            }
        case .kick(let jobs): for job in jobs { jobHistories[job, default: JobHistory()].kicks.append(made) }
        case .kickQueue(let queue): queueKicks[queue, default: []].append(made)
        case .bury(let jobs): for job in jobs { jobHistories[job, default: JobHistory()].buries.append(made) }
        case .delete(let jobs): for job in jobs { jobHistories[job, default: JobHistory()].deletes.append(made) }
        case .cancel(let jobs, _): for job in jobs { jobHistories[job, default: JobHistory()].cancels.append(made) }
        case .reap: reaps.append(made)
        case .limit(let queue, let limits): limitChanges[queue, default: []].append((limits, made))
        case .weigh(let queue, let group, let weight):
            weights[GroupName(queue: queue, group: group), default: []].append(weight)
        case .reclaim: reclaims.append(made)
        case .register:
            if case .returned(.registered(let worker, let writesThroughSupervisor)) = made.outcome {
                registrations[worker] = made.process
                if writesThroughSupervisor == true { supervisedWriters.insert(worker) }
            } else if made.mayHaveHappened {
                unansweredRegistrations.insert(made.process)
            }
        case .renew: break
        case .setSchedule, .changeSchedule, .tick: scheduleCalls.append(made)
        case .lookUp:
            if case .returned(.held(let leases)) = made.outcome { found[made.process, default: []].formUnion(leases) }
        }
    }

    private mutating func sortIn(_ settlements: [Call.Settlement], _ terms: Call.Claim?, _ made: Made) {
        var answers: [Answer.Settled]?
        if case .returned(.exchanged(let all, let claimed)) = made.outcome {
            answers = all
            for (index, job) in claimed.enumerated() {
                guard let terms else {
                    disorders.append("line \(made.ended): jobs are handed out and none were asked for")
                    break
                }
                handedOut[made.process, default: []].append(job.lease)
                jobHistories[job.lease.job, default: JobHistory()].claims.append(
                    Claim(
                        facts: job, terms: terms, process: made.process, invoked: made.invoked, returned: made.ended,
                        index: index))
            }
        } else if let terms, made.mayHaveHappened {
            unknownClaims.append(made)
            mostInARowOfUnknownClaims = max(mostInARowOfUnknownClaims, terms.mostInARow(groupsAreLimited: true))
        }
        for (index, settlement) in settlements.enumerated() {
            jobHistories[settlement.lease.job, default: JobHistory()].settled.append(
                Settled(
                    settlement: settlement, process: made.process, invoked: made.invoked, ended: made.ended,
                    mayHaveHappened: made.mayHaveHappened, answer: answers?[index]))
        }
    }
}
