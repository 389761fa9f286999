import Logging
import StintCore

/// Ticks the schedules of a store. It sleeps until the next tick, or until a process changes a schedule.
struct Ticker: Sendable {
    /// The wall clock may be set while it sleeps: like cron it looks once a minute.
    private static let longestSleep: Duration = .seconds(60)

    let store: any JobStore
    let logger: Logger

    /// Ticks until the task is cancelled or the store is gone.
    func run() async {
        let (wakeUps, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        // Before the first look, so that later changes are noticed.
        let changes = store.scheduleChanges()
        let listening = Task { for await _ in changes { wake.yield() } }
        defer { listening.cancel() }
        var events = wakeUps.makeAsyncIterator()
        var failures = BackoffCounter(.store)
        while !Task.isCancelled {
            let wait: Duration
            do {
                let report = try await store.tickAll()
                failures.reset()
                wait = min(report.untilNext ?? Self.longestSleep, Self.longestSleep)
                if report.ticks > 0 { logger.debug("schedules have ticked", metadata: ["jobs": "\(report.ticks)"]) }
            } catch {
                // A worker or reaper beside it reports a store that is gone.
                do { try store.checkStillThere() } catch { return }
                wait = failures.next()
                logger.error(
                    "schedules could not tick; trying again",
                    metadata: ["error": "\(error)", "retry-in": "\(wait)"])
            }
            let timer = Task {
                try await Task.sleep(for: wait, tolerance: .zero)
                wake.yield()
            }
            await events.next()
            timer.cancel()
        }
    }
}
