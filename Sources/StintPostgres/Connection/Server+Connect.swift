import CPostgres
import Dispatch
import StintCore

extension Server {
    /// Connects and makes the settings, on a thread that may be blocked: libpq resolves names by blocking.
    func connect(_ settings: [(name: String, value: String)], on thread: DispatchQueue) async
        -> Result<OpenedConnection, StintError>
    {
        await withCheckedContinuation { continuation in
            thread.async { continuation.resume(returning: connectBlocking(settings)) }
        }
    }

    private func connectBlocking(_ settings: [(name: String, value: String)]) -> Result<OpenedConnection, StintError> {
        let keywords = parameters.map(\.keyword)
        let values = parameters.map(\.value)
        let connection = withCStrings(keywords) { keywords in
            withCStrings(values) { values in PQconnectdbParams(keywords, values, 0) }
        }
        guard let connection else {
            return .failure(StintError(.processFailed, "there is no memory for a connection to \(name)"))
        }
        guard PQstatus(connection) == CONNECTION_OK else {
            defer { PQfinish(connection) }
            return .failure(cannotConnect(PQerrorMessage(connection).map { String(cString: $0) } ?? ""))
        }
        // Notices at this point are of no interest, and libpq would print them.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        if let failure = set(settings, on: connection) {
            PQfinish(connection)
            return .failure(failure)
        }
        return .success(OpenedConnection(pointer: connection))
    }

    private func set(_ settings: [(name: String, value: String)], on connection: OpaquePointer) -> StintError? {
        guard !settings.isEmpty else { return nil }
        let statement = Self.statement(settings, isLocal: false)
        let result = statement.parameters.withPointers { values, lengths, formats in
            PQexecParams(
                connection, statement.sql, Int32(statement.parameters.types.count), statement.parameters.types, values,
                lengths, formats, 1)
        }
        guard let result else {
            return cannotConnect(PQerrorMessage(connection).map { String(cString: $0) } ?? "")
        }
        defer { PQclear(result) }
        guard PQresultStatus(result) != PGRES_TUPLES_OK else { return nil }
        let error = PostgresError(result)
        if error.sqlState.isEmpty { return cannotConnect(error.message) }
        return stintError(error)
            ?? StintError(
                .databaseUnusable,
                "\(name) does not take a setting of Stint's (\(error)): is it an old or another server?")
    }

    /// The statement that makes the settings, for the connection or for the transaction.
    static func statement(_ settings: [(name: String, value: String)], isLocal: Bool) -> PipelineRequest.Statement {
        let calls = settings.indices.map { "set_config($\(2 * $0 + 1), $\(2 * $0 + 2), \(isLocal))" }
        return PipelineRequest.Statement(
            PostgresStatement(
                "SELECT " + calls.joined(separator: ", "), settings.flatMap { [.text($0.name), .text($0.value)] },
                isRare: true))
    }
}

/// Calls `body` with a list of C strings that ends with NULL.
private func withCStrings<Value>(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let copies = texts.map { Array($0.utf8CString) }
    var bytes: [CChar] = []
    var offsets: [Int] = []
    for copy in copies {
        offsets.append(bytes.count)
        bytes += copy
    }
    return bytes.withUnsafeBufferPointer { buffer in
        var pointers: [UnsafePointer<CChar>?] = offsets.map { offset in buffer.baseAddress.map { $0 + offset } }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { pointers in
            guard let start = pointers.baseAddress else { preconditionFailure("an array with NULL at its end") }
            return body(start)
        }
    }
}
