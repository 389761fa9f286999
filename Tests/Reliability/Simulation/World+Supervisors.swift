import StintCore
import StintWorker

/// Supervisors that write for their workers. Each place of supervised workers has one of its own, which outlives them.
extension World {
    /// Makes the store of a process, and its socket to its supervisor if that writes for it.
    func makeStore(for process: SimulatedProcess) -> any JobStore {
        let own = SimulatedStore(world: self, process: process)
        guard process.nature == .supervised, let supervisor = findOrStartSupervisor(for: process.place),
            let server = supervisor.server
        else { return own }
        let socket = SimulatedSocket(of: process, to: supervisor, server, own: own)
        process.socket = socket
        return SupervisedSimulatedStore(base: socket.calls.supervisedStore(over: own), own: own)
    }

    /// The one that lives, or a new one; `nil` if workers write by themselves in this world.
    private func findOrStartSupervisor(for place: SimulatedProcess.Place) -> SimulatedProcess? {
        guard plan.sharesWriter else { return nil }
        let name = "supervisor of \(place.name)"
        if let living = processes.first(where: { $0.place.name == name && $0.state != .dead }) { return living }
        let stores = stores[places.firstIndex { $0 === place }! + WorldPlan.mostWorkers]
        let supervisorPlace =
            processes.first { $0.place.name == name }?.place
            ?? SimulatedProcess.Place(name: name, kind: .supervisor, stores: stores, nature: .plain)
        let supervisor = SimulatedProcess(
            supervisorPlace, boot: boot(of: supervisorPlace), generation: boots, number: Int32(nextNumber()),
            log: log)
        stores.clock.lend(SimulatedClock(world: self, place: supervisorPlace))
        let store = SimulatedStore(world: self, process: supervisor)
        supervisor.store = RecordingStore(
            store, supervisor.log, clock: SimulatedClock(world: self, place: supervisorPlace))
        supervisor.server = StoreServer(store)
        supervisor.log.append(.began(supervisor: nil, role: nil))
        processes.append(supervisor)
        return supervisor
    }

    /// The supervisor of a worker that has ended takes back its jobs, when all that the worker has sent is settled.
    func reclaimThroughSocket(from process: SimulatedProcess, _ end: WorkerEnd, _ socket: SimulatedSocket) {
        let wasKilled = !process.hasEnded
        scheduler.run(after: dice.milliseconds(0...20), as: socket.supervisor) {
            Task {
                await socket.finish(wasKilled: wasKilled)
                await self.reclaim(from: process, end, as: socket.supervisor)
            }
        }
    }

    /// Its workers notice that, give their jobs back, and end; what takes too long is killed.
    func killSupervisor() {
        let living = processes.filter { $0.isSupervisor && $0.state != .dead }
        guard !living.isEmpty else { return }
        let supervisor = dice.one(of: living)
        endSupervisor(supervisor)
        for process in processes where process.state != .dead && process.socket?.supervisor === supervisor {
            scheduler.run(after: .microseconds(dice.int(5...300)), as: process) {
                process.socket?.calls.end()
                process.hasOrderToStop = true
                process.shutDown()
            }
            scheduler.run(after: .seconds(5), as: scheduler.faults) { self.kill(process, with: true) }
        }
    }

    /// What it has begun is done, and nothing else.
    func endSupervisor(_ supervisor: SimulatedProcess) {
        guard supervisor.state != .dead else { return }
        supervisor.state = .dead
        supervisor.place.stores.finish(supervisor)
        supervisor.log.append(.killed)
        // Also of those whose jobs it has not taken back yet.
        for process in processes where process.socket?.supervisor === supervisor {
            deadSupervisors.insert(process.identity.processID)
            process.supervisorFile?.abandon()
        }
    }

    func stopSupervisors(for duration: Duration) {
        for process in processes where process.isSupervisor && process.state == .running {
            stop(process, for: duration)
        }
    }
}
