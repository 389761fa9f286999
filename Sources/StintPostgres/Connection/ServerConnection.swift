import CPostgres
import StintCore
import StintPlatform

/// A connection in pipeline mode: requests go out one after the other, and answers come in the same order.
///
/// Only on the reactor's thread, in its pool.
final class ServerConnection {
    /// What the server has said apart from answers. libpq calls back while it reads.
    private final class Notices {
        var wasWaitForStandbyCancelled = false
        /// Why the server ended the connection.
        var fatal: PostgresError?
    }

    /// A statement that was prepared, with the types of its parameters; 0 for one that the server inferred.
    private struct Prepared {
        let name: String
        let types: [UInt32]
    }

    private let pointer: OpaquePointer
    private let preparesByName: Bool
    private let notices = Notices()
    private var prepared: [String: Prepared] = [:]
    private var preparedCount = 0
    private(set) var inFlight: [PipelineEntry] = []
    private var hasUnsentOutput = false
    /// Whether the other end has closed the connection.
    private var hasEnded = false
    /// When the server last answered, or was asked after it had answered everything.
    private var lastProgress = ContinuousClock.now
    /// The transaction that has it for itself.
    var lease: ConnectionLease?

    /// How many texts are prepared by name at most. Those after them are parsed each time.
    static let maxPrepared = 512

    /// - Parameter opened: A connection that is open.
    init(_ opened: OpenedConnection, preparesByName: Bool) {
        pointer = opened.pointer
        self.preparesByName = preparesByName
        PQsetnonblocking(pointer, 1)
        PQenterPipelineMode(pointer)
        PQsetNoticeReceiver(
            pointer,
            { argument, result in
                guard let argument, let result else { return }
                let notices = Unmanaged<Notices>.fromOpaque(argument).takeUnretainedValue()
                let notice = PostgresError(result)
                // The text may be translated; the name of the function is not.
                if notice.function == "SyncRepWaitForLSN" { notices.wasWaitForStandbyCancelled = true }
                if notice.isFatal { notices.fatal = notice }
            }, Unmanaged.passUnretained(notices).toOpaque())
    }

    private var isClosed = false

    /// Which of several servers it is to.
    var address: Server.Address? {
        guard let host = PQhost(pointer), let port = PQport(pointer) else { return nil }
        return Server.Address(host: String(cString: host), port: String(cString: port))
    }

    /// Closes it. What is in flight must have been taken before.
    func close() {
        isClosed = true
        PQfinish(pointer)
    }

    // MARK: - Sending

    /// Sends a request. If that fails, the connection is lost.
    func send(_ entry: PipelineEntry) {
        // A task that was to send something may come after the end.
        guard !isClosed else { return entry.resume(entry.lost("the connection was closed", isUnsent: true)) }
        if inFlight.isEmpty { lastProgress = .now }
        inFlight.append(entry)
        for (index, statement) in entry.request.statements.enumerated() {
            guard send(statement, index, entry) else { return }
        }
        entry.isComplete = PQpipelineSync(pointer) == 1
        flush()
    }

    private func send(_ statement: PipelineRequest.Statement, _ index: Int, _ entry: PipelineEntry) -> Bool {
        let parameters = statement.parameters
        let count = Int32(parameters.types.count)
        guard statement.isNamed, preparesByName, let prepared = prepare(statement, index, entry) else {
            entry.expect(.statement(index))
            return parameters.withPointers { values, lengths, formats in
                PQsendQueryParams(pointer, statement.sql, count, parameters.types, values, lengths, formats, 1)
            } == 1
        }
        entry.expect(.statement(index))
        return parameters.withPointers { values, lengths, formats in
            PQsendQueryPrepared(pointer, prepared, count, values, lengths, formats, 1)
        } == 1
    }

    /// - Returns: The name of the statement; `nil` if there are too many.
    private func prepare(_ statement: PipelineRequest.Statement, _ index: Int, _ entry: PipelineEntry) -> String? {
        let types = statement.parameters.types
        let known = prepared[statement.sql]
        if let known, Self.fits(types, known.types) { return known.name }
        guard prepared.count < Self.maxPrepared else { return nil }
        // A parameter that was NULL before may have left its type to the server. Now it is known.
        let merged = zip(types, known?.types ?? types).map { $0 == PostgresType.unspecified ? $1 : $0 }
        preparedCount += 1
        let name = "stint_\(preparedCount)"
        guard PQsendPrepare(pointer, name, statement.sql, Int32(merged.count), merged) == 1 else { return nil }
        prepared[statement.sql] = Prepared(name: name, types: merged)
        entry.expect(.preparation(of: index))
        return name
    }

    private static func fits(_ types: [UInt32], _ known: [UInt32]) -> Bool {
        types.count == known.count && zip(types, known).allSatisfy { $0 == PostgresType.unspecified || $0 == $1 }
    }

    private func flush() { hasUnsentOutput = PQflush(pointer) == 1 }

    // MARK: - Receiving

    var descriptor: pollfd {
        pollfd(
            fd: PQsocket(pointer), events: Int16(hasUnsentOutput ? POLLIN | POLLOUT : POLLIN), revents: 0)
    }

    /// Reads what has arrived.
    func serve() {
        repeat {
            hasEnded = PQconsumeInput(pointer) != 1
            read()
        } while !hasEnded && TLSBuffer.hasInput(pointer)
        if !hasEnded, hasUnsentOutput { flush() }
    }

    /// Whether it is of no more use.
    var isBroken: Bool {
        hasEnded || notices.fatal != nil || PQstatus(pointer) != CONNECTION_OK || !inFlight.allSatisfy(\.isComplete)
    }

    /// Whether it can be sent to. One that has nothing to answer is looked at before: what is sent to a server that has
    /// ended the connection already would have an unknown outcome.
    func isUsable() -> Bool {
        if inFlight.isEmpty, !isBroken { serve() }
        return !isBroken
    }

    private func read() {
        // NULL ends the results of one statement. Two of them mean that libpq expects nothing.
        var nulls = 0
        while nulls < 2, PQisBusy(pointer) == 0 {
            guard let result = PQgetResult(pointer) else {
                nulls += 1
                continue
            }
            nulls = 0
            lastProgress = .now
            handle(PostgresResult(result))
        }
    }

    private func handle(_ result: PostgresResult) {
        guard let entry = inFlight.first else { return }
        switch PQresultStatus(result.pointer) {
        case PGRES_PIPELINE_SYNC:
            inFlight.removeFirst()
            let isReplicated = !notices.wasWaitForStandbyCancelled
            notices.wasWaitForStandbyCancelled = false
            entry.resume(entry.end(isReplicated))
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            entry.answer(result)
        case PGRES_PIPELINE_ABORTED:
            if case .preparation(let index)? = entry.next { forget(index, of: entry) }
            entry.refuse(nil)
        default:
            let error = PostgresError(result.pointer)
            // The end of the connection is no answer: the server may have done everything. Neither is its end at the
            // commit.
            guard !error.sqlState.isEmpty, !(error.isFatal && entry.isCommitting) else { return }
            switch entry.next {
            case .preparation(let index)?: forget(index, of: entry)
            // The statement is not prepared, or cannot be used any more since its tables were changed.
            case .statement(let index)? where ["26000", "0A000"].contains(error.sqlState): forget(index, of: entry)
            case .statement?, nil: break
            }
            entry.refuse(error)
        }
    }

    /// The statement is prepared when it comes again.
    private func forget(_ index: Int, of entry: PipelineEntry) {
        prepared.removeValue(forKey: entry.request.statements[index].sql)
    }

    /// All that was in flight gets its outcome.
    func lose(_ reason: String?) {
        let reason = reason ?? lossReason
        // A server that ended the connection during the first request did nothing of the others.
        let isFirstFatal = inFlight.first?.refusal?.isFatal ?? false
        for (index, entry) in inFlight.enumerated() {
            let isLastUnsent = hasUnsentOutput && index == inFlight.count - 1
            entry.resume(entry.lost(reason, isUnsent: isLastUnsent || isFirstFatal))
        }
        inFlight = []
    }

    /// Why it was lost, in a few words.
    var lossReason: String {
        if let fatal = notices.fatal { return "the connection was ended (\(fatal.message))" }
        let said = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
        let line = said.split(whereSeparator: \.isNewline).first.map { " (\($0))" } ?? ""
        return "the connection was lost\(line)"
    }

    /// What was sent to the channels that it listens to.
    func notifications() -> [(channel: String, text: String)] {
        var received: [(String, String)] = []
        while let notification = PQnotifies(pointer) {
            received.append(
                (String(cString: notification.pointee.relname), String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return received
    }

    // MARK: - Deadlines

    /// When the answer to the first request is due.
    func deadline(_ options: PostgresConnections.Options) -> ContinuousClock.Instant? {
        guard let first = inFlight.first else { return nil }
        // The server ends a statement that takes too long. The answers of a pipeline come together, after its commit.
        return lastProgress + (first.isCommitting ? .zero : options.statementTimeout) + options.commitTimeout
    }

    /// Since when nothing was asked; `nil`: it is in use.
    var idleSince: ContinuousClock.Instant? { inFlight.isEmpty && lease == nil ? lastProgress : nil }

    /// Since when the first request may wait for its commit; `nil`: it does not. The answers of a request that is a
    /// transaction of its own come together, after its commit, so it may wait as long as none has come.
    var mayCommitSince: ContinuousClock.Instant? {
        guard let first = inFlight.first, first.refusal == nil else { return nil }
        return first.request.kind == .writing || first.isCommitting ? lastProgress : nil
    }

    /// Whether it is in a transaction that was begun or has failed.
    var isInTransaction: Bool { PQtransactionStatus(pointer) != PQTRANS_IDLE }
}

/// A connection on its way from the thread that has opened it to the reactor's.
///
/// Sendable: only one of them uses it.
struct OpenedConnection: @unchecked Sendable {
    let pointer: OpaquePointer

    func close() { PQfinish(pointer) }
}

/// A transaction's right to a connection.
struct ConnectionLease: Sendable, Hashable {
    let number: Int
}
