import StintCore

/// What the processes can know of each other.
extension World {
    // MARK: - Whom it may look like

    /// If a job runs alone in a process that is killed, while its supervisor and all others live on, it is thought to
    /// be the cause, and it cannot be known that it is not. No other way to lose a process or a lease may cost a job
    /// anything.
    func suspect(_ process: SimulatedProcess, _ culprit: Lease?) {
        guard process.nature != .foreign, !process.hasOrderToStop else { return }
        for (lease, reference) in process.unsettled {
            let ranBesideOthers = process.handlers.filter { $0 != lease }.count >= 1
            if culprit == lease || !ranBesideOthers { suspicions[reference, default: 0] += 1 }
        }
    }

    /// Its holder was late. That must not happen if nothing delayed it.
    func lostLease(of job: JobID, by process: SimulatedProcess) {
        guard let reference = references[job] else { return }
        let mayBeLate =
            process.wasStopped || process.socket != nil && plan.disturbsSupervisors
            || plan.refusals > 0 || plan.distance > .milliseconds(5) || plan.hasLongLock
        let isForeseen = plan.hasOperator || plan.jobs.contains { $0.reference == reference && $0.acknowledgesItself }
        if !mayBeLate && !isForeseen {
            problem("\(process.name) has lost its lease on \(reference), and nothing held it up")
        }
    }

    // MARK: - Wake-ups

    /// Every process that listens is notified of a commit a little later, and looks then.
    func notifyOfCommit() throws {
        let version = try database.version
        guard version != lastVersion else { return }
        lastVersion = version
        for process in processes where process.state != .dead && !process.listeners.isEmpty && !process.isToldSoon {
            if happens(plan.lostWakeUps) { continue }
            process.isToldSoon = true
            scheduler.run(after: .microseconds(dice.int(50...3_000)), as: process) {
                process.isToldSoon = false
                for (number, listener) in process.listeners.sorted(by: { $0.key < $1.key }) {
                    Task { await self.tell(process, number, listener.queues) }
                }
            }
        }
    }

    /// All processes share one mark.
    func watch(_ mark: any RevocationMark) {
        guard revocationMark == nil else { return }
        (revocationMark, lastRevocation) = (mark, mark.read())
    }

    /// Every process is notified of revocations a little later.
    func notifyOfRevocations() {
        guard let mark = revocationMark?.read(), mark != lastRevocation else { return }
        lastRevocation = mark
        for process in processes where process.state != .dead && !process.revocationListeners.isEmpty {
            if happens(plan.lostWakeUps) { continue }
            scheduler.run(after: .microseconds(dice.int(50...3_000)), as: process) {
                for listener in process.revocationListeners { listener.yield() }
            }
        }
    }

    private func tell(_ process: SimulatedProcess, _ number: Int, _ queues: [QueueName]) async {
        do {
            let next = try await process.place.stores.store.nextReady(in: queues)
            process.listeners[number]?.continuation.yield(next)
        } catch {
            problem("\(process.name) could not read what is ready: \(error)")
        }
    }
}
