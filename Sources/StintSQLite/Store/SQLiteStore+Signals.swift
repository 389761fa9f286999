import StintCore

/// What tells workers and reapers that there is something to do.
extension SQLiteStore {
    public func nextReady(
        in queues: [QueueName], passingOverSuspects: Bool
    ) async throws -> NextReady {
        let next = try await look {
            try $0.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
        }
        return next.answer(at: clock.now().wall)
    }

    public func isClaimable(_ job: JobID) async throws -> Bool {
        try await read { try $0.isClaimable(job) }
    }

    public func changes() -> AsyncStream<Void> {
        let open: OpenFile
        do { open = try beginCall() } catch { return AsyncStream { $0.finish() } }
        defer { endCall() }
        return open.watch.changes()
    }

    public func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        let open: OpenFile
        do { open = try beginCall() } catch { return AsyncStream { $0.finish() } }
        defer { endCall() }
        return open.watch.wakeUps(in: queues)
    }

    public var safetyLookInterval: Duration? { lifecycle.withLock(\.open)?.watch.safetyLookInterval }

    public func reapSignals(every interval: Duration) -> AsyncStream<Void> {
        // A look at webhooks reads a row of each queue.
        let webhookLooks = RareLook(every: .seconds(1))
        // A closed store has no signals either.
        let freeBytes = try? freeBytes()
        return signals(every: interval) { [file] transaction, scoreboards in
            try file.logSize > Checkpointer.longLog || transaction.mayReap(scoreboards) || transaction.mayIndex()
                || webhookLooks.isTime(transaction.now) && transaction.needsWebhookRound { freeBytes?() }
        }
    }

    /// - Parameter look: Whether there may be something to do; called on a thread of its own.
    func signals(
        every interval: Duration, _ look: @escaping @Sendable (JobTransaction, Scoreboards) throws -> Bool
    ) -> AsyncStream<Void> {
        do {
            let open = try beginCall()
            defer { endCall() }
            return try open.periodicLooks.signals(every: interval) {
                [reader = open.reader, schema = open.schema, scoreboards = open.scoreboards, clock] in
                try reader.runBlocking { try Self.read($0, schema, clock) { try look($0, scoreboards) } }
            }
        } catch {
            return Self.signals(every: interval)
        }
    }

    public func checkStillThere() throws {
        let open = try open
        do {
            try open.fileWatch.check()
        } catch {
            if open.fileWatch.isLogDeleted { open.checkpoint?.saveDeletedLog() }
            throw error
        }
    }

    /// Wakes this process's sleeping workers after an application's own transaction has enqueued jobs.
    func announce() {
        signals.send()
    }
}
