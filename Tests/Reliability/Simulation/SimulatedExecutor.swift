/// One of a store's executors in a simulated world.
///
/// `@unchecked Sendable`: its world has one thread.
final class SimulatedExecutor: @unchecked Sendable {
    private var pending: [(process: LogicalProcess, work: () -> Void)] = []
    private var isQueued = false

    func submit(_ work: @escaping () -> Void) {
        guard let scheduler = Scheduler.running else { preconditionFailure("a store's work outside of its world") }
        pending.append((scheduler.current, work))
        queue(scheduler)
    }

    private func queue(_ scheduler: Scheduler) {
        guard !isQueued, let first = pending.first else { return }
        isQueued = true
        scheduler.add(self, of: first.process)
    }

    func runNext() {
        isQueued = false
        guard let scheduler = Scheduler.running, !pending.isEmpty else { return }
        let (process, work) = pending.removeFirst()
        scheduler.perform(as: process, work)
        queue(scheduler)
    }

    /// Finishes what the process has begun when it ends. It need not have begun: then it died a little earlier.
    func finish(_ process: LogicalProcess) {
        guard pending.first?.process === process else { return }
        while !pending.isEmpty { runNext() }
        isQueued = false
    }
}
