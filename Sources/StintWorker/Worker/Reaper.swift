import Logging
import ServiceLifecycle
import StintCore

/// Periodically reclaims the jobs of dead workers and of ended leases and prunes done jobs. One in a process is enough,
/// even one on the machine; several do no harm. If there is nothing to do it only reads. In the worker processes of a
/// ``Supervisor`` it does nothing, because the one beside the supervisor is enough.
public struct Reaper<Store: JobStore>: Service {
    private let queue: JobQueue<Store>
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: How long to wait between two reaps.
    public init(
        _ queue: JobQueue<Store>, every interval: Duration = .milliseconds(500),
        logger: Logger = Logger(label: "stint.reaper")
    ) {
        precondition(interval > .zero, "the interval of a reaper is above zero")
        self.queue = queue
        self.interval = interval
        self.logger = logger
    }

    /// - Throws: ``StintError`` with the code `databaseUnusable` when the database was deleted or replaced.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if !Worker.isSupervised { try await reapOnce() }
                do { try await Task.sleep(for: interval) } catch { return }
            }
        }
    }

    private func reapOnce() async throws {
        do {
            let report = try await queue.reap()
            guard report != ReapReport() else { return }
            logger.notice(
                "reclaimed or pruned jobs",
                metadata: [
                    "requeued": "\(report.requeued)", "buried": "\(report.buried)", "pruned": "\(report.pruned)",
                ])
        } catch {
            // Throws if the database is gone: retrying would not help.
            try queue.store.checkStillThere()
            logger.error("the reap failed; trying again", metadata: ["error": "\(error)"])
        }
    }
}
