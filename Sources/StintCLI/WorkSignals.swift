import ServiceLifecycle
import StintSQLite
import StintWorker
import UnixSignals

/// Runs the services of `stint work` and does what signals ask for: SIGTERM and SIGINT end in an orderly way, a second
/// SIGINT at once, SIGHUP replaces the workers.
struct WorkSignals {
    let group: ServiceGroup
    let supervisor: Supervisor<SQLiteStore>

    /// - Throws: ``StoppedAtOnce`` after a second SIGINT, when all workers have ended.
    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let work = Task { try await group.run() }
        let listener = Task {
            var isStopping = false
            for await signal in signals {
                switch signal {
                case .sighup: Task { await supervisor.restart() }
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

/// The user did not want to wait: exit code 130, as of a program that SIGINT has ended.
struct StoppedAtOnce: Error {}
