/// A change to jobs: those of a selection, or those of ids.
public enum JobChange: Sendable, Hashable, Codable {
    /// Make ready again, with attempts and crashes reset to 0.
    case kick
    /// As ``kick``, but ready only after this time. From zero to `NewJob.maximumDelay`.
    case kickLater(after: Duration)
    /// Make delayed jobs ready at once; they keep their attempts and crashes.
    case runNow
    /// Bury with this reason.
    case bury(reason: String)
    /// End for good with this reason; see `JobStore.cancel(_:reason:)`.
    case cancel(reason: String)
    /// Delete. An operation (``BulkOperation``) keeps what it deletes for ten minutes, so that it can be brought back;
    /// otherwise the jobs are gone at once.
    case delete
    /// Move to another queue, which is created if it does not exist. The job keeps its state, its times, its unique key
    /// and the name of its group. A job whose unique key is taken in that queue stays where it is.
    case move(to: QueueName)
    /// Change the priority; smaller numbers run first.
    case setPriority(to: UInt32)

    /// The states that this change applies to; jobs in other states are not changed.
    public var states: Set<JobState> {
        Set(JobState.allCases.filter(applies(to:)))
    }

    public func applies(to state: JobState) -> Bool {
        switch (self, state) {
        case (.kick, .buried), (.kickLater, .buried), (.runNow, .delayed): true
        case (.kick, _), (.kickLater, _), (.runNow, _): false
        case (.bury, .ready), (.bury, .delayed), (.bury, .leased): true
        case (.bury, .buried), (.bury, .done), (.bury, .cancelled), (.bury, .expired): false
        case (.cancel, .ready), (.cancel, .delayed), (.cancel, .leased), (.cancel, .buried): true
        case (.cancel, .done), (.cancel, .cancelled), (.cancel, .expired): false
        case (.delete, _): true
        // A holder has read the job's queue and priority already, and one that is over does not run again.
        case (.move, .ready), (.move, .delayed), (.move, .buried): true
        case (.setPriority, .ready), (.setPriority, .delayed), (.setPriority, .buried): true
        case (.move, _), (.setPriority, _): false
        }
    }

    /// Whether a job can come back, by what workers do, to a state that it applies to. A walk over many jobs reads the
    /// states once then: read again, it could change a job twice.
    public var mayApplyAgain: Bool {
        switch self {
        case .kick, .kickLater, .runNow: true
        case .bury, .cancel, .delete, .move, .setPriority: false
        }
    }

    /// `kick`, `bury` and so on, as the verb is called in the list of operations.
    public var verb: String {
        switch self {
        case .kick: "kick"
        case .kickLater: "kick later"
        case .runNow: "run"
        case .bury: "bury"
        case .cancel: "cancel"
        case .delete: "delete"
        case .move: "move"
        case .setPriority: "prioritize"
        }
    }

    /// Checks the values, for a store.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func check() throws {
        guard case .kickLater(let delay) = self, !(Duration.zero...NewJob.maximumDelay).contains(delay) else { return }
        throw StintError.invalidInput("the delay of a kick is \(delay); it must be between 0 and 100 years")
    }

    /// The error for one job in a state that the change does not apply to.
    public func refusal(of id: JobID, in state: JobState) -> StintError {
        let job = "job \(id) is \(state.rawValue)"
        return switch self {
        case .kick, .kickLater: .invalidInput("\(job), not buried: only a buried job can be kicked")
        case .runNow where state == .leased:
            .invalidInput("\(job): a worker has it already, so it cannot be started now")
        case .runNow where state == .buried: .invalidInput("\(job): kick it, and it is ready with all its attempts")
        case .runNow: .invalidInput("\(job): a \(state.rawValue) job does not run again")
        case .bury: .invalidInput("\(job): a \(state.rawValue) job cannot be buried")
        case .cancel: .invalidInput("\(job): it is over already and cannot be cancelled")
        case .delete: .invalidInput("\(job): it cannot be deleted")
        case .move: .invalidInput("\(job): its queue can be changed only while it is ready, delayed or buried")
        case .setPriority:
            .invalidInput("\(job): its priority can be changed only while it is ready, delayed or buried")
        }
    }

    /// Whether a job in this state has already what the change would do, so that it is no error to leave it.
    public func isDone(in state: JobState) -> Bool {
        switch (self, state) {
        case (.runNow, .ready), (.bury, .buried), (.cancel, .cancelled): true
        case (.runNow, _), (.bury, _), (.cancel, _): false
        case (.kick, _), (.kickLater, _), (.delete, _), (.move, _), (.setPriority, _): false
        }
    }
}

/// For people: `kick in 5m`, `move to 'slow'`.
extension JobChange: CustomStringConvertible {
    public var description: String {
        switch self {
        case .kick, .runNow, .delete: verb
        case .kickLater(let delay): "kick in \(delay.unitsText)"
        case .bury(let reason), .cancel(let reason): "\(verb): \(reason)"
        case .move(let queue): "move to \(quoted(queue.description))"
        case .setPriority(let priority): "set priority to \(priority)"
        }
    }
}
