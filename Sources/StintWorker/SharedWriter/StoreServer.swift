import StintCore

/// Answers the requests of a supervisor's workers with the supervisor's own store, whose writer makes one transaction of what
/// comes at the same time.
package final class StoreServer: Sendable {
    let store: any SharedStore
    /// The wake-ups of workers with the same queues: the store reads the queues once for all of them.
    let wakeUps: SharedWakeUps

    package init(_ store: any SharedStore) {
        self.store = store
        wakeUps = SharedWakeUps(store)
    }

    /// - Parameters:
    ///   - unsentBytes: How much waits for the worker to read it.
    ///   - send: Sends bytes to the worker. It must not block.
    package func session(
        unsentBytes: @escaping @Sendable () -> Int, send: @escaping @Sendable ([UInt8]) -> Void
    ) -> StoreSession {
        StoreSession(self, unsentBytes: unsentBytes, send: send)
    }
}
