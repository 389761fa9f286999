import StintCore

/// The worker's registration, from before its first claim until it holds nothing any more.
extension WorkerLoop {
    /// How often it renews its registration: well within ``WorkerRegistration/lifetime``.
    private static let renewal: Duration = .seconds(600)

    private var registration: WorkerRegistration {
        WorkerRegistration(
            name: options.name, process: .current, supervisor: worker.supervisorConnection?.supervisor,
            supervisorSign: worker.supervisorConnection?.supervisorSign, queues: worker.queues,
            concurrency: options.concurrency)
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
                return true
            } catch  where findLoss() {
                return false
            } catch {
                let delay = failures.next()
                logger.error(
                    "the worker cannot register; trying again", metadata: ["error": "\(error)", "retry-in": "\(delay)"])
                await pause(delay)
            }
        }
        return false
    }

    func renewRegistration() async {
        guard let place, ContinuousClock.now - lastRenewal >= Self.renewal else { return }
        do {
            _ = try await store.register(registration, as: place.id)
            lastRenewal = .now
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
        do {
            try await store.deregister(place.id)
        } catch  where findLoss() {
            return
        } catch {
            logger.error("the worker could not deregister; the next reap removes it", metadata: ["error": "\(error)"])
        }
    }
}
