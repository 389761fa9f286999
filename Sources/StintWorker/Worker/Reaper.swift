import Logging
import ServiceLifecycle
import StintCore

/// Takes back the jobs of workers that are gone and leases that ended, and prunes done jobs, again and again. One in a
/// process is enough, and one on the machine would do; several do no harm. With nothing to take back it only reads. In
/// the worker processes of a ``Supervisor`` it rests: the one beside the supervisor is enough.
public struct Reaper: Service {
    private let store: any JobStore
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: How long to wait between two looks; leases end no earlier for a longer one.
    public init<Store>(
        _ queue: JobQueue<Store>, every interval: Duration = .milliseconds(500),
        logger: Logger = Logger(label: "stint.reaper")
    ) {
        precondition(interval > .zero, "a reaper waits between two looks")
        store = queue.store
        self.interval = interval
        self.logger = logger
    }

    /// - Throws: ``StintError`` with the code `databaseUnusable` when the database was deleted or replaced.
    public func run() async throws {
        guard !Worker.isSupervised else {
            // Not woken in vain until it ends: sixteen of them would be, twice a second each.
            do { return try await gracefulShutdown() } catch is CancellationError { return }
        }
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await reapOnce()
                do { try await Task.sleep(for: interval) } catch { return }
            }
        }
    }

    private func reapOnce() async throws {
        do {
            let report = try await store.reapAll()
            guard report != ReapReport() else { return }
            logger.notice(
                "reclaimed or pruned jobs",
                metadata: [
                    "requeued": "\(report.requeued)", "buried": "\(report.buried)", "pruned": "\(report.pruned)",
                ])
        } catch {
            // It would say the same each time.
            try store.checkStillThere()
            logger.error("the reaper could not do its work; trying again", metadata: ["error": "\(error)"])
        }
    }
}
