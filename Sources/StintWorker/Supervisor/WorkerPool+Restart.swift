import Logging

/// A rolling restart: each worker is stopped only when its successor is ready.
extension WorkerPool {
    /// How often to check the store for requests to restart.
    private static let requestInterval: Duration = .seconds(2)

    /// A request during a restart causes one more restart afterwards, since the program may have changed after the
    /// first workers were replaced.
    func restart() async {
        guard !isStopping else { return }
        restartsAsked += 1
        if restarting == nil { restarting = Task { await self.replaceAllWhileAsked() } }
        await restarting?.value
    }

    private func replaceAllWhileAsked() async {
        var done: Int
        repeat {
            done = restartsAsked
            await replaceAll()
        } while done < restartsAsked && !isStopping
        // In the same step as the last check: a later request starts a new restart.
        restarting = nil
    }

    private func replaceAll() async {
        for number in 1...options.workers where !isStopping {
            // The last round's successor gets its slot when its predecessor's jobs are reclaimed.
            while successors[number] != nil && !isStopping { await Self.sleep(.milliseconds(10)) }
            guard let old = current[number] else { continue }
            do {
                let successor = try await start(number)
                let isReady = await successor.child.becomesReady()
                // Meanwhile the old worker may have died and been replaced, or the slot may be closed.
                guard isReady, current[number] === old, !isStopping else {
                    successor.child.tellToStop()
                    _ = await successor.monitoring.value
                    if isReady { continue }
                    return logger.critical(
                        "the new worker did not start; the old ones stay", metadata: ["worker": "\(number)"])
                }
                successors[number] = successor
                old.tellToStop()
                _ = await old.process.waitForExit()
            } catch {
                return logger.critical(
                    "the new worker did not start; the old ones stay",
                    metadata: ["worker": "\(number)", "error": "\(error)"])
            }
        }
        if !isStopping { logger.notice("all workers were replaced") }
    }

    /// Restarts after each new request in the store (`stint workers restart`). Each of these looks also notices when
    /// the database is gone.
    func obeyRestartRequests() async {
        var known: Int64?
        var isTold = false
        var signals = store.restartSignals(every: Self.requestInterval).makeAsyncIterator()
        while !Task.isCancelled {
            do {
                let latest = try await store.latestRestartRequest()
                if let known, latest > known { await restart() }
                known = latest
                isTold = false
                if await signals.next() != nil { continue }
            } catch  where noteLoss() {
                return
            } catch {
                // Logged once: the workers log it too.
                if !isTold { logger.error("requests to restart cannot be read", metadata: ["error": "\(error)"]) }
                isTold = true
            }
            await Self.sleep(Self.requestInterval)
        }
    }
}
