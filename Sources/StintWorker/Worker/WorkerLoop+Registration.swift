import StintCore

/// The worker's registration, from before its first claim until it holds nothing any more.
extension WorkerLoop {
    /// How often it renews its registration: well within ``WorkerRegistration/lifetime``.
    private static let renewal: Duration = .seconds(600)
    /// How often it tries to deregister when the outcome is unknown.
    private static let deregistrations = 3

    private var registration: WorkerRegistration {
        WorkerRegistration(
            name: options.name, process: .current, supervisor: worker.supervisorConnection?.supervisor,
            supervisorSign: worker.supervisorConnection?.supervisorSign, queues: worker.queues,
            concurrency: options.concurrency, writesThroughSupervisor: store.unwrapped is SupervisedStore)
    }

    /// - Returns: Whether it may work: `false` if it was stopped before.
    func register() async -> Bool {
        var failures = BackoffCounter(.store)
        while !isStopping {
            do {
                let place = try await store.register(registration, as: nil)
                self.place = place
                place.runLock.register(ObjectIdentifier(self)) { [wake] in wake.yield() }
                worker.supervisorConnection?.say(.ready(place.id))
                logWriter(place.id)
                return true
            } catch  where findLoss() {
                return false
            } catch let error as StintError where error.code == .outcomeUnknown && failures.failures == 0 {
                // An unused registration costs no job anything; see ``WorkerRegistry/register(_:as:)``.
                logger.notice(
                    "it is not known whether the worker is registered; it registers again",
                    metadata: ["error": "\(error)"])
                await pause(failures.next())
            } catch {
                let delay = failures.next()
                logger.error(
                    "the worker cannot register; trying again", metadata: ["error": "\(error)", "retry-in": "\(delay)"])
                await pause(delay)
            }
        }
        return false
    }

    /// A worker without a supervisor has no other choice, which is no news.
    private func logWriter(_ id: WorkerID) {
        let registration = registration
        let hasChoice = registration.writesThroughSupervisor || registration.supervisor != nil
        logger.log(
            level: hasChoice ? .info : .debug,
            registration.writesThroughSupervisor
                ? "the worker claims and settles through its supervisor" : "the worker claims and settles by itself",
            metadata: ["worker": "\(id)"])
    }

    func renewRegistration() async {
        guard let place, ContinuousClock.now - lastRenewal >= Self.renewal else { return }
        do {
            _ = try await store.register(registration, as: place.id)
            lastRenewal = .now
        } catch let error as StintError where error.code == .outcomeUnknown {
            // Perhaps it is renewed. The next heartbeat renews it again.
            logger.notice(
                "it is not known whether the worker's registration was renewed; it is renewed again",
                metadata: ["error": "\(error)"])
        } catch {
            logger.error("the worker's registration could not be renewed", metadata: ["error": "\(error)"])
        }
    }

    /// Removes the registration, unless the worker left without settling everything: then it leads the reaper to the
    /// jobs.
    func deregister() async {
        guard let place else { return }
        place.runLock.unregister(ObjectIdentifier(self))
        guard !hasLeft, loss == nil else { return }
        for attempt in 1...Self.deregistrations {
            do {
                return try await store.deregister(place.id)
            } catch  where findLoss() {
                return
            } catch let error as StintError where error.code == .outcomeUnknown && attempt < Self.deregistrations {
                logger.notice(
                    "it is not known whether the worker is deregistered; it deregisters again",
                    metadata: ["error": "\(error)"])
                await pause(Backoff.store.delay(after: attempt))
            } catch {
                return logger.error(
                    "the worker could not deregister; a reap removes it when its process has ended",
                    metadata: ["error": "\(error)"])
            }
        }
    }
}
