import Dispatch
import Logging
import StintCore
import StintPlatform
import Synchronization

/// The connections of one ``PostgresConnections``, and the calls that wait for them. Its thread is the reactor's.
actor ConnectionPool {
    /// A call that waits for a connection.
    private struct Waiting {
        enum Call {
            case pipeline(PipelineEntry)
            case lease(CheckedContinuation<Result<ConnectionLease, StintError>, Never>)
        }

        let call: Call
        let deadline: ContinuousClock.Instant

        func fail(_ error: StintError) {
            switch call {
            case .pipeline(let entry): entry.resume(.failed(error))
            case .lease(let continuation): continuation.resume(returning: .failure(error))
            }
        }
    }

    /// A transaction that has a connection for itself.
    private struct Transaction {
        let connection: ServerConnection
        var hasBegun = false
        /// Whether COMMIT was sent.
        var isCommitted = false
        /// The first error. The server does nothing more in this transaction.
        var failure: (any Error)?
    }

    nonisolated let server: Server
    private nonisolated let reactor: Reactor
    let options: PostgresConnections.Options
    private(set) var slots: [ConnectionSlot]
    /// The server that did not answer in time last: the others are tried before it.
    var silentServer: Server.Address?
    /// When to look next whether another server has become the primary; `nil`: a look is under way.
    var nextLook: ContinuousClock.Instant? = .now
    let lookThread = DispatchQueue(label: "stint.postgres.look")
    private var waiting: [Waiting] = []
    private var transactions: [ConnectionLease: Transaction] = [:]
    private var lastLease = 0
    /// Why the last try to connect failed, until one succeeds.
    private var connectFailure: StintError?
    private var notice = RepeatedNotice()
    /// Whether a connection was lost or refused, and none was made since.
    private var isAfterLoss = false
    /// After which time connections are closed that are not used; `nil`: they stay.
    var idleLimit: Duration?
    private nonisolated let reconnectCount = Atomic(0)
    let listener: Listener
    private(set) var isClosed = false
    private var isEnded = false
    private var closing: [CheckedContinuation<Void, Never>] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { reactor.asUnownedSerialExecutor() }

    init(_ server: Server, listensAt listenServer: Server, _ options: PostgresConnections.Options, on reactor: Reactor)
    {
        self.server = server
        self.reactor = reactor
        self.options = options
        slots = (0..<max(1, options.connections)).map { _ in ConnectionSlot(options.reconnect) }
        listener = Listener(listenServer, options)
        reactor.add(self)
    }

    /// Raises the limit of connections; never lowers it. They are opened when they are needed.
    func allow(_ connections: Int) {
        while slots.count < connections { slots.append(ConnectionSlot(options.reconnect)) }
    }

    /// See ``PostgresConnections/reconnects``.
    nonisolated var reconnects: Int { reconnectCount.load(ordering: .acquiring) }

    // MARK: - Calls

    /// Runs statements as a transaction of their own.
    func run(_ request: PipelineRequest) async throws -> [PostgresRows] {
        var request = request
        if options.isPooled { request.prepend(Server.statement(options.allSettings, isLocal: true)) }
        var repetition = Repetition()
        while true {
            let failure: any Error
            switch await outcome(of: request) {
            case .rows(let rows): return rows
            case .failed(let error): throw error
            case .notReplicated: throw server.notReplicated
            case .refused(let error): failure = error
            case .lost(let error): failure = error
            }
            guard await repetition.isWorthwhile(after: failure) else { throw server.translated(failure) }
        }
    }

    private func outcome(of request: PipelineRequest) async -> PipelineEntry.Outcome {
        await withCheckedContinuation { continuation in
            submit(.pipeline(PipelineEntry(request, continuation)))
        }
    }

    /// Gives a transaction a connection of its own.
    func acquire() async throws -> ConnectionLease {
        try await withCheckedContinuation { submit(.lease($0)) }.get()
    }

    /// Runs statements in a transaction. The first ones begin it.
    func run(_ statements: [PostgresStatement], in lease: ConnectionLease, commits: Bool) async throws -> [PostgresRows]
    {
        guard let transaction = transactions[lease], !transaction.isCommitted else {
            preconditionFailure("a statement after the end of its transaction")
        }
        if let failure = transaction.failure { throw failure }
        var request = try PipelineRequest(statements, commits ? .commit : .part)
        if !transaction.hasBegun {
            if options.isPooled { request.prepend(Server.statement(options.allSettings, isLocal: true)) }
            request.prepend(PipelineRequest.Statement("BEGIN"))
            transactions[lease]?.hasBegun = true
        }
        if commits {
            request.append("COMMIT")
            transactions[lease]?.isCommitted = true
        }
        var rows = try await send(request, in: lease)
        if commits { rows.removeLast() }
        return rows
    }

    /// Ends a transaction. What it has changed is durable when this returns.
    func commit(_ lease: ConnectionLease) async throws {
        guard let transaction = transactions[lease] else { return }
        // A body that went on after an error has changed nothing.
        if let failure = transaction.failure { throw failure }
        if transaction.hasBegun, !transaction.isCommitted {
            transactions[lease]?.isCommitted = true
            _ = try await send(PipelineRequest("COMMIT", .commit), in: lease)
        }
        release(lease)
    }

    /// Ends a transaction that has failed.
    ///
    /// - Returns: The first error of a statement in it, whatever the caller has made of it.
    func rollback(_ lease: ConnectionLease) -> (any Error)? {
        guard let transaction = transactions[lease] else { return nil }
        // The answer is not waited for: what comes next on this connection comes after it.
        if transaction.hasBegun, transaction.connection.lease == lease,
            !transaction.isCommitted || transaction.connection.isInTransaction
        {
            transaction.connection.send(PipelineEntry(PipelineRequest("ROLLBACK", .part), nil))
        }
        release(lease)
        return transaction.failure
    }

    private func send(_ request: PipelineRequest, in lease: ConnectionLease) async throws -> [PostgresRows] {
        guard let connection = transactions[lease]?.connection else {
            preconditionFailure("a statement after the end of its transaction")
        }
        let outcome = await withCheckedContinuation { continuation in
            let entry = PipelineEntry(request, continuation)
            if connection.lease == lease, connection.isUsable() {
                connection.send(entry)
            } else {
                entry.resume(entry.lost("the connection was lost", isUnsent: true))
            }
        }
        let failure: any Error
        switch outcome {
        case .rows(let rows): return rows
        case .failed(let error): failure = error
        case .refused(let error): failure = error
        case .lost(let error): failure = error
        case .notReplicated: failure = server.notReplicated
        }
        if transactions[lease]?.failure == nil { transactions[lease]?.failure = failure }
        throw failure
    }

    private func release(_ lease: ConnectionLease) {
        guard let transaction = transactions.removeValue(forKey: lease) else { return }
        if transaction.connection.lease == lease { transaction.connection.lease = nil }
        dispatch()
    }

    // MARK: - Waiting

    private func submit(_ call: Waiting.Call) {
        let entry = Waiting(call: call, deadline: .now + options.connectionWait)
        if isClosed { return entry.fail(.closed(server.name)) }
        guard waiting.count < options.maxWaiting else {
            return entry.fail(
                StintError(
                    .databaseBusy,
                    "\(options.maxWaiting) calls wait for \(server.name) already; nothing was changed: try again later")
            )
        }
        waiting.append(entry)
        dispatch()
    }

    /// Gives the waiting calls to connections, first come, first served, and opens connections that are missing.
    private func dispatch() {
        var served = 0
        for entry in waiting {
            guard give(entry) else { break }
            served += 1
        }
        if served > 0 { waiting.removeFirst(served) }
        if !waiting.isEmpty { connect() }
        endIfClosed()
    }

    private func give(_ waiting: Waiting) -> Bool {
        let free = slots.compactMap(\.connection).filter { $0.lease == nil && $0.isUsable() }
        guard let connection = free.min(by: { $0.inFlight.count < $1.inFlight.count }) else { return false }
        // One that is busy is shared only when there is no other to open.
        if !connection.inFlight.isEmpty { connect() }
        switch waiting.call {
        case .pipeline(let entry):
            guard connection.inFlight.count < max(1, options.pipelineDepth) else { return false }
            connection.send(entry)
        case .lease(let continuation):
            guard connection.inFlight.isEmpty else { return false }
            lastLease += 1
            let lease = ConnectionLease(number: lastLease)
            connection.lease = lease
            transactions[lease] = Transaction(connection: connection)
            continuation.resume(returning: .success(lease))
        }
        return true
    }

    // MARK: - Connecting

    /// Opens one more connection, if there may be one and none is being opened.
    private func connect() {
        guard !isClosed || !waiting.isEmpty else { return }
        var closed: ConnectionSlot?
        for slot in slots {
            switch slot.state {
            case .connecting: return
            case .closed: if slot.retryAt <= .now { closed = closed ?? slot }
            case .open: break
            }
        }
        guard let slot = closed else { return }
        slot.state = .connecting
        let settings = options.isPooled ? [] : options.allSettings
        let servers = server.trying(last: silentServer)
        Task { connected(slot, await servers.connect(settings, on: slot.thread)) }
    }

    private func connected(_ slot: ConnectionSlot, _ result: Result<OpenedConnection, StintError>) {
        switch result {
        case .success(let opened):
            guard !isEnded else { return opened.close() }
            let connection = ServerConnection(opened, preparesByName: !options.isPooled)
            slot.open(connection)
            if connectFailure != nil {
                options.logger.info("connected to PostgreSQL again", metadata: ["server": "\(server.hosts)"])
            }
            connectFailure = nil
            notice.reset()
            // Before a call gets the connection.
            if isAfterLoss { reconnectCount.add(1, ordering: .acquiringAndReleasing) }
            isAfterLoss = false
        case .failure(let error):
            slot.wait()
            isAfterLoss = true
            connectFailure = error
            report("PostgreSQL cannot be connected to; trying again", error.description)
            // Waiting does not help against a wrong password. It helps if a standby is about to become the primary.
            if error.code == .databaseUnusable, !server.hasSeveralHosts, slots.allSatisfy({ $0.connection == nil }) {
                failWaiting(error)
            }
        }
        dispatch()
    }

    private func failWaiting(_ error: StintError) {
        let failed = waiting
        waiting = []
        for entry in failed { entry.fail(error) }
    }

    /// Logs it at once, and then at most once a minute.
    func report(_ problem: String, _ reason: String) {
        guard let times = notice.happened(at: .now) else { return }
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        if times > 1 { metadata["times"] = "\(times)" }
        options.logger.error("\(problem)", metadata: metadata)
    }

    func lose(_ slot: ConnectionSlot, _ connection: ServerConnection, _ reason: String?) {
        slot.wait()
        isAfterLoss = true
        connection.lease = nil
        report("a connection to PostgreSQL was lost", reason ?? connection.lossReason)
        connection.lose(reason)
        connection.close()
        dispatch()
    }

    /// There is no connection for a while: another server may have become the primary until there is one again.
    func noteGap() { isAfterLoss = true }

    // MARK: - The reactor's side

    /// What to wait for.
    func awaited() -> (descriptors: [pollfd], deadline: ContinuousClock.Instant?) {
        let connections = slots.compactMap(\.connection)
        var deadlines = connections.compactMap { $0.deadline(options) } + connections.compactMap { dueLook($0) }
        deadlines += connections.compactMap { idleDeadline($0) }
        if let first = waiting.first {
            if knowsWhyCallsWait { deadlines.append(first.deadline) }
            // One connection is opened at a time.
            if !slots.contains(where: \.isConnecting) { deadlines += slots.compactMap(\.isDueAt) }
        }
        if connections.contains(where: \.isBroken) { deadlines.append(.now) }
        var descriptors = connections.map(\.descriptor)
        if let connection = listener.slot.connection {
            descriptors.append(connection.descriptor)
            if let deadline = connection.deadline(options) { deadlines.append(deadline) }
        } else if !listener.isEmpty, let time = listener.slot.isDueAt {
            deadlines.append(time)
        }
        return (descriptors, deadlines.min())
    }

    /// - Parameter events: What happened to the descriptors of ``awaited()``, in its order.
    func handle(_ events: [pollfd]) {
        let happened = Dictionary(events.map { ($0.fd, $0.revents) }) { first, _ in first }
        var hasRead = false
        for slot in slots {
            guard let connection = slot.connection else { continue }
            if happened[connection.descriptor.fd, default: 0] != 0 {
                hasRead = true
                connection.serve()
            }
            if connection.isBroken {
                lose(slot, connection, nil)
            } else if let deadline = connection.deadline(options), deadline <= .now {
                let address = connection.address
                lose(slot, connection, "it did not answer in time, and the connection was closed")
                avoid(address)
            } else if let time = dueLook(connection), time <= .now {
                lookForAnotherPrimary(besides: connection)
            }
        }
        if hasRead || !waiting.isEmpty { dispatch() }
        if idleLimit != nil { closeOverdueIdle() }
        failOverdue()
        serveListener(happened)
    }

    /// Whether calls wait because all connections are busy, or because connecting has failed. The first try to connect is
    /// waited for in any case, since libpq bounds it, and its error is the better one.
    private var knowsWhyCallsWait: Bool { connectFailure != nil || slots.contains { $0.connection != nil } }

    private func failOverdue() {
        guard knowsWhyCallsWait else { return }
        let now = ContinuousClock.now
        let overdue = waiting.prefix { $0.deadline <= now }
        guard !overdue.isEmpty else { return }
        waiting.removeFirst(overdue.count)
        let busy = StintError(
            .databaseBusy,
            "all connections to \(server.name) (\(slots.count)) were in use for \(options.connectionWait); nothing was "
                + "changed: see which transactions take so long, or try again")
        // A server that refuses further connections is no reason if there are some.
        let isConnected = slots.contains { $0.connection != nil }
        for entry in overdue { entry.fail(isConnected ? busy : connectFailure ?? busy) }
    }

    // MARK: - Closing

    func close() async {
        if isEnded { return }
        isClosed = true
        closeListener()
        await withCheckedContinuation { continuation in
            closing.append(continuation)
            endIfClosed()
        }
    }

    private func endIfClosed() {
        guard isClosed, !isEnded, waiting.isEmpty, transactions.isEmpty,
            slots.allSatisfy({ $0.connection?.inFlight.isEmpty ?? true })
        else { return }
        for slot in slots {
            slot.connection?.close()
            if slot.connection != nil { slot.state = .closed }
        }
        isEnded = true
        reactor.remove(self)
        for continuation in closing { continuation.resume() }
        closing = []
    }
}
