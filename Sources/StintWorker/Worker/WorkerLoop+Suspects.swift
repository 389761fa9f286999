import Logging
import StintCore

/// Suspects run alone in their process, and handlers should not be idle for that. The rule is in ``SuspectWait``.
extension WorkerLoop {
    /// How often a worker that starts nothing more checks whether another one has taken the suspect.
    private static let lookInterval: Duration = .milliseconds(250)

    private var participant: ObjectIdentifier { ObjectIdentifier(self) }

    var isMakingRoom: Bool { passedSuspect?.isMakingRoom == true }

    /// What this worker may run in its process now.
    var outlook: ExclusiveRunLock.Outlook {
        place?.runLock.outlook(for: participant) ?? (running.isEmpty ? .empty : .shared)
    }

    /// Whether a suspect could start at once.
    func mayClaimSuspects(_ outlook: ExclusiveRunLock.Outlook) -> Bool {
        guard outlook == .empty, running.isEmpty, backlog.isEmpty else { return false }
        // If another worker was quicker, trying again at once is useless.
        return passedSuspect?.wasGivenBack != true || isMakingRoom
    }

    var passesOverSuspects: Bool { passedSuspect != nil && !mayClaimSuspects(outlook) }

    /// Updates the skipped suspect after a claim.
    func updateSuspect(of exchange: Exchange, _ request: ClaimRequest) {
        if let job = exchange.passedOver {
            if isMakingRoom && !request.passesOverSuspects { forgetSuspect() }
            passOver(job)
        } else if exchange.jobs.first?.runsAlone != true, !exchange.jobs.isEmpty || request.idleSlots > 0 {
            forgetSuspect()
        }
    }

    private func passOver(_ job: JobID) {
        guard passedSuspect?.job != job else { return }
        forgetSuspect()
        passedSuspect = PassedSuspect(job: job, since: .now)
        place?.runLock.watch(participant, true)
    }

    func forgetSuspect() {
        guard passedSuspect != nil else { return }
        passedSuspect = nil
        place?.runLock.watch(participant, false)
        place?.runLock.stopWaiting(participant)
    }

    /// Whether the other handlers in this process allow the job to start. A suspect that may not start is given back.
    func mayBegin(_ job: LeasedJob) -> Bool {
        if place?.runLock.begin(participant, alone: job.runsAlone) != false {
            if job.runsAlone { forgetSuspect() }
            return true
        }
        if job.runsAlone {
            passOver(job.id)
            passedSuspect?.wasGivenBack = true
            releaseWaitingJobs()
        }
        return false
    }

    // MARK: - Waiting to run alone

    private func choice(for passed: PassedSuspect) -> (choice: SuspectWait.Choice, lasts: Duration) {
        SuspectWait.choice(after: .now - passed.since, of: place?.id)
    }

    /// How long until the suspect needs attention; `nil` if there is none.
    var timeUntilSuspectsTurn: Duration? {
        guard let passedSuspect, !isStopping else { return nil }
        let lasts = choice(for: passedSuspect).lasts
        return passedSuspect.isMakingRoom ? min(lasts, Self.lookInterval) : lasts
    }

    /// Stops starting jobs when it is time to, until that time is over or another worker has taken the suspect.
    func attendToSuspect() async {
        guard let passed = passedSuspect, !isStopping else { return }
        guard choice(for: passed).choice == .makeRoom else {
            if passed.isMakingRoom {
                passedSuspect?.isMakingRoom = false
                place?.runLock.stopWaiting(participant)
            }
            return
        }
        if let lastLook = passed.lastLook, passed.isMakingRoom, .now - lastLook < Self.lookInterval { return }
        do {
            let isThere = try await store.isClaimable(passed.job)
            guard passedSuspect?.job == passed.job else { return }
            guard isThere else {
                listener.mayFindJobs = true
                return forgetSuspect()
            }
        } catch {
            // Nothing changes; the next claim reports what is wrong.
            logger.debug("the store cannot be read: \(error)")
        }
        passedSuspect?.lastLook = .now
        guard !passed.isMakingRoom, !isStopping else { return }
        passedSuspect?.isMakingRoom = true
        releaseWaitingJobs()
        place?.runLock.waitForExclusive(participant)
    }
}
