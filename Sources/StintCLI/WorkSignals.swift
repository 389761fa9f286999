import ServiceLifecycle
import StintSQLite
import StintWorker
import UnixSignals

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs the services of `stint work` and does what signals ask for: SIGTERM and SIGINT end in an orderly way, a second
/// SIGINT at once. SIGHUP replaces the workers; but from a terminal it says that this was closed, and nobody would ever stop
/// the workers then, so it ends in an orderly way too. Whoever started this process with SIGHUP ignored wants neither.
struct WorkSignals {
    let group: ServiceGroup
    let supervisor: Supervisor

    /// - Throws: ``StoppedAtOnce`` after a second SIGINT, when all workers have ended.
    func run() async throws {
        // Asked now: once it is hung up, a terminal is none any more.
        let hangUpStops = Platform.hasControllingTerminal
        let trapped: [UnixSignal] = Platform.ignores(SIGHUP) ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
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
