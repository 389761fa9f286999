import StintCore

/// If a handler's processes cannot be started, its jobs are given back at no cost. This worker then claims nothing for
/// a while, so that others get the jobs, and then tries one job.
extension WorkerLoop {
    /// How many jobs run at once: what the user asked for, or fewer if the limits of open files and processes require
    /// it.
    var concurrency: Int { min(options.concurrency, commandLimit) }

    /// Called before the first claim: raises the limit of descriptors, checks that of processes, and logs if they allow
    /// fewer commands than requested.
    func joinStartGate() {
        guard let handler = worker.handlers.others, let gate = handler.startGate else { return }
        if handler.needsDescriptors {
            commandLimit = min(
                DescriptorLimit.makeRoom(forCommands: options.concurrency),
                ProcessLimit.room(forCommands: options.concurrency))
        }
        if commandLimit < options.concurrency {
            logger.warning(
                """
                the limits of open files and processes allow fewer commands at once than were asked for; raise them \
                (ulimit -n and -u, LimitNOFILE=, TasksMax=)
                """,
                metadata: ["asked-for": "\(options.concurrency)", "at-once": "\(commandLimit)"])
        }
        gate.join(concurrency: concurrency) { [wake] in wake.yield() }
    }

    /// How many jobs may be claimed or started now.
    var startsAllowed: Int {
        guard let startGate else { return .max }
        if startGate.isExhausted {
            recycle(because: "it can start neither processes nor threads any more")
            return 0
        }
        return startGate.allowance().count
    }

    /// How long to wait until more may be started; `nil` if that is unknown or not needed.
    var timeUntilStartsAllowed: Duration? { startGate?.allowance().changesIn }

    /// Gives back a job that was not started after all.
    func giveBack(_ job: LeasedJob) {
        jobsStarted -= 1
        finish(job, .release(after: .zero))
        releaseWaitingJobs()
        listener.mayFindJobs = true
    }
}
