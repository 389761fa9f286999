import CPostgres

/// An error that the server has answered, with its fields
/// (https://www.postgresql.org/docs/current/protocol-error-fields.html).
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// Five characters, such as `23505` for a violated unique key
    /// (https://www.postgresql.org/docs/current/errcodes-appendix.html). Empty if the connection failed.
    package let sqlState: String
    package let message: String
    /// May contain stored values.
    package let detail: String?
    package let constraint: String?
    /// The server's function that found it, which no locale translates.
    let function: String?
    /// Whether the connection is over.
    let isFatal: Bool

    package var description: String {
        sqlState.isEmpty ? message : "\(message) (SQLSTATE \(sqlState))"
    }
}

extension PostgresError {
    /// - Parameter result: A result with an error, or a notice.
    init(_ result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        let whole = PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        sqlState = field("C") ?? ""
        message = field("M") ?? PostgresError.line(whole)
        detail = field("D")
        constraint = field("n")
        function = field("R")
        isFatal = sqlState.isEmpty || ["FATAL", "PANIC"].contains(field("V") ?? "")
    }

    /// libpq's messages end with a line feed, and have several lines for several hosts.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix { $0.isWhitespace } }.joined(separator: "; ")
    }
}
