import ServiceLifecycle
import StintPlatform
import StintWorker
import UnixSignals

/// Runs the services of `stint work` and handles signals: SIGTERM and SIGINT stop in an orderly way, a second SIGINT at
/// once. SIGHUP replaces the workers. If there is a terminal, SIGHUP means that it was closed, and stops in an orderly
/// way. If this process was started with SIGHUP ignored, it does neither.
struct WorkSignals {
    let group: ServiceGroup
    let supervisor: Supervisor
    let restart: RestartAfterMove

    /// - Throws: ``StoppedAtOnce`` after a second SIGINT, when all workers have ended.
    func run() async throws {
        // Checked now, since it is not possible after the terminal was hung up.
        let hangUpStops = Terminal.controlsThisProcess
        let trapped: [UnixSignal] =
            SignalDisposition.ignores(SIGHUP) ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
        let signals = await UnixSignalsSequence(trapping: trapped)
        let work = Task { try await group.run() }
        let listener = Task {
            var isStopping = false
            for await signal in signals {
                switch signal {
                case .sighup where !hangUpStops: Task { await supervisor.restart() }
                case .sigint where isStopping:
                    work.cancel()
                    return true
                default:
                    isStopping = true
                    restart.stops()
                    await group.triggerGracefulShutdown()
                }
            }
            return false
        }
        let result = await work.result
        listener.cancel()
        if await listener.value { throw StoppedAtOnce() }
        try result.get()
    }
}
