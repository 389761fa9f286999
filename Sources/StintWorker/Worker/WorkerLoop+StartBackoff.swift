import StintCore

/// A handler whose processes cannot be started: its jobs are given back at no cost, this worker claims nothing while that
/// lasts, so that others have the queue, and then tries one job.
extension WorkerLoop {
    private var gate: StartGate? { worker.handlers.others?.startGate }

    /// How many jobs run at once: what the user asked for, where the limit of open files has commandLimit for it.
    var concurrency: Int { min(options.concurrency, commandLimit) }

    /// Before the first claim: makes commandLimit for descriptors and looks at processes, and says where there is less than was asked for.
    func joinStartGate() {
        guard let handler = worker.handlers.others, let gate = handler.startGate else { return }
        if handler.needsDescriptors {
            commandLimit = min(
                DescriptorLimit.makeRoom(forCommands: options.concurrency),
                ProcessLimit.room(forCommands: options.concurrency))
        }
        if commandLimit < options.concurrency {
            logger.warning(
                "the limits of open files and processes have no commandLimit for as many commands at once as were asked for; raise them (ulimit -n and -u, LimitNOFILE=, TasksMax=)",
                metadata: ["asked-for": "\(options.concurrency)", "at-once": "\(commandLimit)"])
        }
        gate.join(concurrency: concurrency) { [wake] in wake.yield() }
    }

    /// How many jobs may be claimed, or of those that wait here started.
    var startsAllowed: Int {
        guard let gate else { return .max }
        if gate.isExhausted {
            recycle(because: "it can make neither processes nor threads any more")
            return 0
        }
        return gate.allowance().count
    }

    /// How long to wait until more may be started; `nil` where that is not known or not needed.
    var timeUntilStartsAllowed: Duration? { gate?.allowance().changesIn }

    func noteHandedOver() { gate?.begin() }

    func noteHandlerEnded() { gate?.end() }

    /// The job was not started after all.
    func giveBack(_ job: LeasedJob) {
        jobsStarted -= 1
        settle(job, .release(after: .zero))
        releaseWaitingJobs()
        listener.mayFindJobs = true
    }
}
