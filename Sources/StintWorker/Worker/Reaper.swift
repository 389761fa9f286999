import Logging
import ServiceLifecycle
import StintCore

/// Repeatedly reclaims the jobs of dead workers and of ended leases, ends expired jobs, and prunes jobs that are over; and
/// ticks the schedules when they are due; goes on with operations (``BulkOperation``); indexes free text
/// (``QueueSearch``); and enqueues the messages of webhooks (``Webhook``). One on the machine is
/// enough; more do no harm. If there is nothing to do it only reads. In the worker processes of a ``Supervisor`` it
/// does nothing, because the reaper beside the supervisor is enough.
public struct Reaper: Service {
    private let store: any JobStore
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: How often to look for work. Jobs may be reclaimed this much later.
    public init<Store>(
        _ queue: JobQueue<Store>, every interval: Duration = .milliseconds(500),
        logger: Logger = Logger(label: "stint.reaper")
    ) {
        precondition(interval > .zero, "the interval of a reaper is above zero")
        store = queue.store
        self.interval = interval
        self.logger = logger
    }

    /// - Throws: ``StintError`` with the code `databaseUnusable` when the database was deleted or replaced.
    public func run() async throws {
        guard !Worker.isSupervised else {
            // It sleeps until it ends: sixteen workers would otherwise wake up twice a second each for nothing.
            do { return try await gracefulShutdown() } catch is CancellationError { return }
        }
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await Ticker(store: store, logger: logger).run() }
                let (found, find) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
                // Beside the reaps: an operation of a million jobs takes a while.
                group.addTask { await goOnWithOperations(found) }
                let (signal, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
                group.addTask { await indexText(signal) }
                defer { group.cancelAll() }
                var signals = store.reapSignals(every: interval).makeAsyncIterator()
                while !Task.isCancelled {
                    find.yield()
                    look.yield()
                    try await reapOnce()
                    try await notifyWebhooks()
                    if await signals.next() != nil { continue }
                    // The store is closed, unless this task was cancelled.
                    do { try await Task.sleep(for: interval) } catch { return }
                }
            }
        }
    }

    private func goOnWithOperations(_ found: AsyncStream<Void>) async {
        let driver = OperationDriver()
        for await _ in found {
            do {
                let changed = try await store.runOperations(by: driver)
                if changed > 0 { logger.info("operations have changed jobs", metadata: ["jobs": "\(changed)"]) }
            } catch {
                // What makes the database unusable ends the reaper, which says so.
                do { try store.checkStillThere() } catch { continue }
                logger.error("an operation could not go on; trying again", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Beside the reaps too: the first index of a large queue takes minutes.
    private func indexText(_ signals: AsyncStream<Void>) async {
        for await _ in signals {
            do {
                _ = try await store.indexAllText()
            } catch {
                do { try store.checkStillThere() } catch { continue }
                logger.error("free text could not be indexed; queries read the jobs", metadata: ["error": "\(error)"])
                // It may be corrupt, and stay so until a person acts.
                do { try await store.sleep(for: .seconds(60)) } catch { return }
            }
        }
    }

    private func notifyWebhooks() async throws {
        do {
            let messages = try await store.notifyWebhooks()
            if messages > 0 { logger.debug("webhooks have messages", metadata: ["messages": "\(messages)"]) }
        } catch {
            try store.checkStillThere()
            logger.error("webhooks could not be notified; trying again", metadata: ["error": "\(error)"])
        }
    }

    private func reapOnce() async throws {
        do {
            let report = try await store.reapAll()
            if report.repairedGroups > 0 {
                logger.warning(
                    "another program has changed groups so that their jobs were not found; they have their turn again",
                    metadata: ["groups": "\(report.repairedGroups)"])
            }
            guard report != ReapReport() else { return }
            logger.notice(
                "reclaimed, expired or pruned jobs",
                metadata: [
                    "requeued": "\(report.requeued)", "buried": "\(report.buried)", "pruned": "\(report.pruned)",
                    "expired": "\(report.expired)",
                ])
        } catch {
            // Otherwise the same error would be logged each time.
            try store.checkStillThere()
            logger.error("the reaper could not do its work; trying again", metadata: ["error": "\(error)"])
        }
    }
}
