import Logging
import StintCore

/// What an idle worker does: it listens for news of its queues, and sleeps until there is some or it is time to look.
extension WorkerLoop {
    /// Before it looks for jobs: what comes afterwards is heard.
    private func listen() {
        guard listening == nil else { return }
        // What was heard before may have changed while nobody listened.
        knownNext = nil
        timesListened += 1
        let signals = store.wakeUps(in: worker.queues)
        listening = Task { [wake, timesListened] in
            for await next in signals {
                self.hear(next, timesListened)
                wake.yield()
            }
        }
    }

    /// - Parameter time: When it listened; the last word of an earlier time may come late.
    private func hear(_ next: NextReady, _ time: Int) {
        guard time == timesListened else { return }
        knownNext = next
        guard next == .now else { return }
        wakeUpsHeard += 1
        // What is ready may be suspects, of which it has none to take: it looks for others.
        if passesOverSuspects { knownNext = nil } else { mayFindJobs = true }
    }

    /// A busy worker finds more by itself.
    func stopListening() {
        listening?.cancel()
        listening = nil
    }

    /// Waits for an event, or for the time to look again.
    func wait(_ events: inout AsyncStream<Void>.AsyncIterator) async {
        var timeout: Duration?
        if let oldestFinished {
            timeout = max(.zero, options.acknowledgeWithin - (ContinuousClock.now - oldestFinished))
        }
        if let time = timeUntilSuspectsTurn { timeout = min(timeout ?? time, time) }
        if let time = timeUntilStalled { timeout = min(timeout ?? time, time) }
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

    /// Reads, and so costs no write lock, whether a claim would find something.
    private func timeUntilNextLook() async -> Duration {
        let now = worker.clock.now()
        do {
            var next = knownNext
            if next == nil {
                next = try await store.nextReady(
                    in: worker.queues, passingOverSuspects: passesOverSuspects, now: now)
            }
            switch next {
            case .now?: break
            case .at(let time)? where time > now.wall: return min(options.pollInterval, .milliseconds(time - now.wall))
            case .at?: break
            case .unknown?, nil: return options.pollInterval
            }
            mayFindJobs = true
            return .zero
        } catch {
            logger.error("the store cannot be read; trying again", metadata: ["error": "\(error)"])
            return max(options.pollInterval, .seconds(1))
        }
    }

    func isDrained() async -> Bool {
        guard options.drains, !isStopping, !mayFindJobs, running.isEmpty, finished.isEmpty else { return false }
        do {
            let counts = try await store.stats().filter { worker.queues.contains($0.name) }
            if counts.allSatisfy({ $0.unfinished == 0 }) { return true }
            // The counts may be wrong where another program has changed the tables; the jobs themselves decide, if none has
            // gone from one state to the next meanwhile.
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
