/// Sees that workers become ready, and stay awake: one timer for all of them, set to when the first has to have said
/// something.
extension WorkerFleet {
    private static let longestNap: Duration = .seconds(60)

    func watchChildren() async {
        while !Task.isCancelled {
            let planned = children.values.map(nextLook).min() ?? .now + Self.longestNap
            let nap = Task { await Self.sleep(max(.milliseconds(1), planned - .now)) }
            watchNap = nap
            await nap.value
            guard !Task.isCancelled else { return }
            let lateness = ContinuousClock.now - planned
            for child in children.values {
                // We were stopped ourselves, or the machine slept: nobody could be heard.
                if lateness >= SilenceWatch.doubt { child.excuse(lateness) }
                look(at: child)
            }
        }
    }

    private func nextLook(at child: WorkerChild) -> ContinuousClock.Instant {
        guard !child.isKilled else { return .now + Self.longestNap }
        guard let readySince = child.readySince else { return child.readyBefore }
        let silence = child.nextLookForSilence
        return trouble.isKnown(child.number) ? min(silence, readySince + StartTrouble.proof) : silence
    }

    private func look(at child: WorkerChild) {
        guard !child.isKilled else { return }
        let now = ContinuousClock.now
        // Not by its silence: one that beats and never gets ready does not work either.
        guard let readySince = child.readySince else {
            if now >= child.readyBefore {
                child.kill(because: "was not ready after \(options.readyWithin) and was killed")
            }
            return
        }
        if now >= readySince + StartTrouble.proof { trouble.succeeded(child.number, logger) }
        guard child.isSilentForTooLong(at: now) else { return }
        let seconds = options.silence.components.seconds
        guard child.identity.isStopped else {
            return child.kill(because: "did not respond for \(seconds) s and was killed")
        }
        // Somebody has stopped it (SIGSTOP, a debugger): that is no fault of its jobs.
        logger.warning(
            "a worker was stopped from outside for too long and is replaced; its jobs are not blamed",
            metadata: ["worker": "\(child.number)", "process": "\(child.process.id)", "seconds": "\(seconds)"])
        child.kill(because: nil)
    }
}
