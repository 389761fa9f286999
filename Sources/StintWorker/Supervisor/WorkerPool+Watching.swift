/// Checks that workers become ready and send heartbeats. One timer serves all of them; it is set to the earliest
/// deadline.
extension WorkerPool {
    private static let longestDelay: Duration = .seconds(60)

    func watchChildren() async {
        while !Task.isCancelled {
            let planned = children.values.map(nextLook).min() ?? .now + Self.longestDelay
            let delay = Task { await Self.sleep(max(.milliseconds(1), planned - .now)) }
            watchDelay = delay
            await delay.value
            guard !Task.isCancelled else { return }
            let lateness = ContinuousClock.now - planned
            for child in children.values {
                // This process was stopped, or the machine slept, so no message could be read.
                if lateness >= HeartbeatMonitor.doubt { child.excuse(lateness) }
                look(at: child)
            }
        }
    }

    private func nextLook(at child: WorkerChild) -> ContinuousClock.Instant {
        guard !child.isKilled else { return .now + Self.longestDelay }
        guard let readySince = child.readySince else { return child.readyBefore }
        let nextCheck = child.nextHeartbeatCheck
        return startBackoff.isKnown(child.number) ? min(nextCheck, readySince + StartBackoff.proof) : nextCheck
    }

    private func look(at child: WorkerChild) {
        guard !child.isKilled else { return }
        let now = ContinuousClock.now
        // Heartbeats alone are not enough: a worker that never gets ready does not work either.
        guard let readySince = child.readySince else {
            if now >= child.readyBefore {
                child.kill(because: "was not ready after \(options.startupTimeout) and was killed")
            }
            return
        }
        if now >= readySince + StartBackoff.proof { startBackoff.succeeded(child.number, logger) }
        guard child.missedHeartbeat(at: now) else { return }
        let seconds = options.heartbeatTimeout.components.seconds
        guard child.identity.isStopped else {
            return child.kill(because: "did not respond for \(seconds) s and was killed")
        }
        // It was stopped (SIGSTOP, a debugger), so its jobs are not blamed.
        logger.warning(
            "a worker was stopped from outside for too long and is replaced; its jobs are not blamed",
            metadata: ["worker": "\(child.number)", "process": "\(child.process.id)", "seconds": "\(seconds)"])
        child.kill(because: nil)
    }
}
