import StintCore

extension PostgresStore {
    package var safetyLookInterval: Duration? { ChangeAnnouncer.lookInterval }

    package func changes() -> AsyncStream<Void> { signals { $0.isAny } }

    package func scheduleChanges() -> AsyncStream<Void> { signals { $0.changesSchedules } }

    /// Emits whenever there was a change of this kind.
    func signals(_ isMeant: @escaping @Sendable (StoreChange) -> Bool) -> AsyncStream<Void> {
        let listener = announcer.listen()
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let task = Task {
            for await _ in listener.signals where isMeant(listener.take()) { continuation.yield() }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    package func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        let listener = announcer.listen()
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        let task = Task { [weak self] in
            for await _ in listener.signals {
                let change = listener.take()
                guard let self, !change.wakes.isEmpty else { continue }
                let ids = queueIDs.withLock { known in queues.map { known[$0] } }
                // A queue that is not known yet may be one of those that are named.
                guard ids.contains(where: { $0.map(change.concerns) ?? true }) else { continue }
                do {
                    let next = try await nextReady(in: queues, passingOverSuspects: false)
                    if next != .unknown { continuation.yield(next) }
                } catch {
                    // The caller's own look gets the error too, and can report it.
                    continuation.yield(.now)
                }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}
