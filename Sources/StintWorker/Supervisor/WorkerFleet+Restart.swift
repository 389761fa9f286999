import Logging

/// A rolling restart: a successor first, and then the end of the worker whose place it takes.
extension WorkerFleet {
    /// How often to look whether somebody asks for a restart through the store.
    private static let requestInterval: Duration = .seconds(2)

    /// What is asked for while workers are replaced is done once more afterwards: those that have been replaced already may
    /// run a program that has been replaced since.
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
        // In the same step as the last look: who asks from now on begins anew.
        restarting = nil
    }

    private func replaceAll() async {
        for number in 1...options.workers where !isStopping {
            // The successor of the last round has its slot when the jobs of its predecessor are taken back.
            while successors[number] != nil && !isStopping { await Self.sleep(.milliseconds(10)) }
            guard let old = current[number] else { continue }
            do {
                let successor = try await start(number)
                let isReady = await successor.child.becomesReady()
                // Meanwhile the slot may have got another worker, since the old one died, or be given up.
                guard isReady, current[number] === old, !isStopping else {
                    successor.child.tellToStop()
                    _ = await successor.attendance.value
                    if isReady { continue }
                    return logger.critical(
                        "the new worker did not start; the old ones stay", metadata: ["worker": "\(number)"])
                }
                successors[number] = successor
                old.tellToStop()
                _ = await old.process.end()
            } catch {
                return logger.critical(
                    "the new worker did not start; the old ones stay",
                    metadata: ["worker": "\(number)", "error": "\(error)"])
            }
        }
        if !isStopping { logger.notice("all workers were replaced") }
    }

    /// Restarts when somebody has asked for it since this began: `stint workers restart`, from wherever the database can be
    /// written. With each of these looks it notices when the database is gone.
    func obeyRestartRequests() async {
        var known: Int64?
        var isTold = false
        while !Task.isCancelled {
            do {
                let latest = try await store.latestRestartRequest()
                if let known, latest > known { await restart() }
                known = latest
                isTold = false
            } catch  where noteLoss() {
                return
            } catch {
                // Said once: whoever works says it too.
                if !isTold { logger.error("requests to restart cannot be read", metadata: ["error": "\(error)"]) }
                isTold = true
            }
            await Self.sleep(Self.requestInterval)
        }
    }
}
