import Logging
import StintCore

/// An idle worker listens for wake-ups of its queues and sleeps until there is one or it is time to look.
extension WorkerLoop {
    /// How often a worker reads the store although the store itself looks for what its wake-ups have missed.
    private static let secondNet: Duration = .seconds(60)

    /// How often an idle worker reads whether its queues are drained: no wake-up tells of the end of the last job of another
    /// worker.
    private static let drainLook: Duration = .milliseconds(100)

    /// How often an idle worker reads the store without a wake-up. Its read wakes eight threads; the look of a store that
    /// looks by itself wakes one, so most reads are left to that.
    private var lookInterval: Duration {
        guard !checksMoreThanJobs, let own = store.safetyLookInterval, own <= options.pollInterval else {
            return options.pollInterval
        }
        return max(options.pollInterval, Self.secondNet)
    }

    /// Whether each look is also the time to check what no wake-up tells of: whether the queues are drained, whether this
    /// process is too old or too large, and whether there is more than a suspect.
    private var checksMoreThanJobs: Bool {
        let limits = options.recycling
        return options.drains || limits.maxAge != nil || limits.maxMemory != nil || passedSuspect != nil
    }

    /// Called before looking for jobs, so that later changes are noticed.
    private func listen() {
        guard listening == nil else { return }
        listener.beginListening()
        let signals = store.wakeUps(in: worker.queues)
        listening = Task { [wake, period = listener.period] in
            for await next in signals where self.isNews(next, period) { wake.yield() }
        }
    }

    private func isNews(_ next: NextReady, _ period: Int) -> Bool {
        listener.notified(next, in: period, passesOverSuspects: passesOverSuspects, at: .now)
    }

    /// A busy worker finds more jobs by itself.
    func stopListening() {
        listening?.cancel()
        listening = nil
    }

    /// Waits for an event, or for the time to look again.
    func wait(_ events: inout AsyncStream<Void>.AsyncIterator) async {
        var timeout = finished.timeUntilDue(after: options.ackDelay, at: .now)
        if let time = timeUntilSuspectsTurn { timeout = min(timeout ?? time, time) }
        if let time = timeUntilStalled { timeout = min(timeout ?? time, time) }
        if let time = timeUntilStartsAllowed { timeout = min(timeout ?? time, time) }
        let isIdle = !isStopping && !listener.mayFindJobs && hasFreeSlot
        if isIdle {
            listen()
            var time = await timeUntilNextLook()
            if options.drains { time = min(time, Self.drainLook) }
            timeout = min(timeout ?? time, time)
        }
        if listener.mayFindJobs && isIdle { return }
        let timer = timeout.map { timeout in
            Task { [wake] in
                try await Task.sleep(for: timeout, tolerance: .zero)
                wake.yield()
            }
        }
        await events.next(isolation: self)
        timer?.cancel()
    }

    /// How long no claim would find a job, according to wake-ups. They are trusted for a while only, since one may have
    /// been missed. Then this reads the store, which needs no write lock.
    private func timeUntilNextLook() async -> Duration {
        do {
            let next = try await nextReady()
            // A busy worker renews it with its leases.
            await renewRegistration()
            await lookAtOrderIfDue()
            let now = ContinuousClock.now
            let rest = listener.timeUntilLook(lookInterval, at: now)
            switch next {
            case .now: break
            case .at(let time) where time > now: return min(rest, time - now)
            case .at: break
            case .unknown: return rest
            }
            listener.mayFindJobs = true
            return .zero
        } catch  where findLoss() {
            return .zero
        } catch {
            logger.error("the store cannot be read; trying again", metadata: ["error": "\(error)"])
            return max(options.pollInterval, .seconds(1))
        }
    }

    private func nextReady() async throws -> WakeUpListener.Expected {
        if let known = listener.trusted(for: lookInterval, at: .now) { return known }
        let notifications = listener.beginsToRead(at: .now)
        let next = try await store.nextReady(in: worker.queues, passingOverSuspects: passesOverSuspects)
        return listener.hasRead(next, since: notifications, at: .now)
    }

    func isDrained() async -> Bool {
        guard options.drains, !isStopping, !listener.mayFindJobs, running.isEmpty, finished.isEmpty else {
            return false
        }
        do {
            let counts = try await store.stats().filter { worker.queues.contains($0.name) }
            if counts.allSatisfy({ $0.unfinished == 0 }) { return true }
            // The counts may be wrong if another program has changed the tables. The jobs themselves decide, if none
            // has changed its state meanwhile.
            for queue in counts.map(\.name) {
                for state in JobState.allCases where state.isUnfinished {
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
