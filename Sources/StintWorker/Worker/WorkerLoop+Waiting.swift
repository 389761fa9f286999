import Logging
import StintCore

/// An idle worker listens for wake-ups of its queues and sleeps until there is one or it is time to look.
extension WorkerLoop {
    /// Called before looking for jobs, so that later changes are noticed.
    private func listen() {
        guard listening == nil else { return }
        // An earlier result may have changed while this worker did not listen.
        knownNext = nil
        timesListened += 1
        let signals = store.wakeUps(in: worker.queues)
        listening = Task { [wake, timesListened] in
            for await next in signals where self.hear(next, timesListened) { wake.yield() }
        }
    }

    /// - Parameter time: Which time it listened; the last wake-up of an earlier time may come late.
    /// - Returns: Whether it is new.
    private func hear(_ next: NextReady, _ time: Int) -> Bool {
        guard time == timesListened, next == .now || next != knownNext else { return false }
        knownNext = next
        timesHeard += 1
        guard next == .now else { return true }
        wakeUpsHeard += 1
        // The ready jobs may be suspects, which it cannot take now, so it looks for others.
        if passesOverSuspects { knownNext = nil } else { mayFindJobs = true }
        return true
    }

    /// A busy worker finds more jobs by itself.
    func stopListening() {
        listening?.cancel()
        listening = nil
    }

    /// Waits for an event, or for the time to look again.
    func wait(_ events: inout AsyncStream<Void>.AsyncIterator) async {
        var timeout: Duration?
        if let oldestFinished {
            timeout = max(.zero, options.ackDelay - (ContinuousClock.now - oldestFinished))
        }
        if let time = timeUntilSuspectsTurn { timeout = min(timeout ?? time, time) }
        if let time = timeUntilStalled { timeout = min(timeout ?? time, time) }
        if let time = timeUntilStartsAllowed { timeout = min(timeout ?? time, time) }
        let isIdle = !isStopping && !mayFindJobs && hasFreeSlot
        if isIdle {
            listen()
            timeout = min(timeout ?? options.pollInterval, await timeUntilNextLook())
        }
        if mayFindJobs && isIdle { return }
        let timer = timeout.map { timeout in
            Task { [wake] in
                try await Task.sleep(for: timeout, tolerance: .zero)
                wake.yield()
            }
        }
        await events.next(isolation: self)
        timer?.cancel()
    }

    /// How long no claim would find a job, according to wake-ups. They are trusted for at most the poll interval, since
    /// one may have been missed. Then this reads the store, which needs no write lock.
    private func timeUntilNextLook() async -> Duration {
        do {
            let next = try await nextReady()
            let now = worker.clock.now()
            let rest = max(.zero, options.pollInterval - (ContinuousClock.now - lastLook))
            switch next {
            case .now: break
            case .at(let time) where time > now.wall: return min(rest, .milliseconds(time - now.wall))
            case .at: break
            case .unknown: return rest
            }
            mayFindJobs = true
            return .zero
        } catch  where noteLoss() {
            return .zero
        } catch {
            logger.error("the store cannot be read; trying again", metadata: ["error": "\(error)"])
            return max(options.pollInterval, .seconds(1))
        }
    }

    private func nextReady() async throws -> NextReady {
        if let knownNext, ContinuousClock.now - lastLook < options.pollInterval { return knownNext }
        lastLook = .now
        let heard = timesHeard
        let next = try await store.nextReady(
            in: worker.queues, passingOverSuspects: passesOverSuspects)
        // A wake-up received meanwhile may be newer; the loop was woken for it.
        if heard == timesHeard { knownNext = next }
        return next
    }

    func isDrained() async -> Bool {
        guard options.drains, !isStopping, !mayFindJobs, running.isEmpty, finished.isEmpty else { return false }
        do {
            let counts = try await store.stats().filter { worker.queues.contains($0.name) }
            if counts.allSatisfy({ $0.unfinished == 0 }) { return true }
            // The counts may be wrong if another program has changed the tables. The jobs themselves decide, if none
            // has changed its state meanwhile.
            for queue in counts.map(\.name) {
                for state in [JobState.ready, .delayed, .leased] {
                    let first = try await store.list(JobFilter(queue: queue, state: state, limit: 1))
                    guard first.isEmpty else { return false }
                }
            }
            return try await store.stats().filter { worker.queues.contains($0.name) } == counts
        } catch {
            logger.error("the store cannot be read; trying again", metadata: ["error": "\(error)"])
            return false
        }
    }
}
