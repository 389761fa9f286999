import CPostgres
import StintCore

/// What a statement returned. Its rows are read in place, in libpq's memory, which goes with the last copy.
package struct PostgresRows: Sendable, RandomAccessCollection {
    let result: PostgresResult
    package let count: Int

    init(_ result: PostgresResult) {
        self.result = result
        count = Int(PQntuples(result.pointer))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(_ index: Int) -> PostgresRow {
        precondition(index >= 0 && index < count, "row \(index) of \(count)")
        return PostgresRow(result: result, row: Int32(index))
    }

    /// How many rows the statement inserted, changed, deleted or returned.
    package var affected: Int {
        guard let text = PQcmdTuples(result.pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }
}

/// The owner of a `PGresult`.
///
/// Sendable: after libpq has handed it out, nothing writes to it, and reading does not either.
final class PostgresResult: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }
}

/// A row. Columns count from 0. Reading one as something that it is not is an error and no crash: another program may
/// have changed the tables.
package struct PostgresRow: Sendable {
    fileprivate let result: PostgresResult
    fileprivate let row: Int32

    package func isNull(_ column: Int) -> Bool { PQgetisnull(result.pointer, row, Int32(column)) == 1 }

    package func bool(_ column: Int) throws(StintError) -> Bool { try present(optionalBool(column), column) }

    /// A `smallint`, `integer` or `bigint`.
    package func int(_ column: Int) throws(StintError) -> Int64 { try present(optionalInt(column), column) }

    package func double(_ column: Int) throws(StintError) -> Double { try present(optionalDouble(column), column) }

    /// A `text`, `varchar`, `name`, `json` or `jsonb`.
    package func text(_ column: Int) throws(StintError) -> String { try present(optionalText(column), column) }

    /// A `bytea`.
    package func bytes(_ column: Int) throws(StintError) -> [UInt8] { try present(optionalBytes(column), column) }

    package func optionalBool(_ column: Int) throws(StintError) -> Bool? {
        try optional(column, "a boolean", [PostgresType.bool]) { $0.count == 1 ? $0[0] != 0 : nil }
    }

    package func optionalInt(_ column: Int) throws(StintError) -> Int64? {
        try optional(column, "an integer", PostgresType.integerTypes, BinaryValue.int)
    }

    package func optionalDouble(_ column: Int) throws(StintError) -> Double? {
        try optional(column, "a double precision number", [PostgresType.double], BinaryValue.double)
    }

    package func optionalText(_ column: Int) throws(StintError) -> String? {
        let isJSONB = type(column) == PostgresType.jsonb
        return try optional(column, "text", PostgresType.textTypes) {
            BinaryValue.text(isJSONB ? UnsafeRawBufferPointer(rebasing: $0.dropFirst()) : $0)
        }
    }

    package func optionalBytes(_ column: Int) throws(StintError) -> [UInt8]? {
        try optional(column, "a bytea", [PostgresType.bytes]) { [UInt8]($0) }
    }

    /// The bytes of a `bytea` or a text, without a copy; valid only within the closure. NULL has none.
    package func withBytes<Value>(_ column: Int, _ read: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try read(value(column))
    }

    // MARK: - Arrays of one dimension

    /// An array of `smallint`, `integer` or `bigint` without NULLs.
    package func ints(_ column: Int) throws(StintError) -> [Int64] { try complete(optionalInts(column), column) }

    package func texts(_ column: Int) throws(StintError) -> [String] { try complete(optionalTexts(column), column) }

    package func byteArrays(_ column: Int) throws(StintError) -> [[UInt8]] {
        try complete(optionalByteArrays(column), column)
    }

    /// The same with NULLs among the elements; `nil` if all of it is NULL.
    package func optionalInts(_ column: Int) throws(StintError) -> [Int64?]? {
        try array(column, "an array of integers", PostgresType.integerTypes, BinaryValue.int)
    }

    package func optionalDoubles(_ column: Int) throws(StintError) -> [Double?]? {
        try array(column, "an array of numbers", [PostgresType.double], BinaryValue.double)
    }

    package func optionalBools(_ column: Int) throws(StintError) -> [Bool?]? {
        try array(column, "an array of booleans", [PostgresType.bool]) { $0.count == 1 ? $0[0] != 0 : nil }
    }

    package func optionalTexts(_ column: Int) throws(StintError) -> [String?]? {
        try array(column, "an array of texts", PostgresType.textTypes.subtracting([PostgresType.jsonb])) {
            BinaryValue.text($0)
        }
    }

    package func optionalByteArrays(_ column: Int) throws(StintError) -> [[UInt8]?]? {
        try array(column, "an array of bytea", [PostgresType.bytes]) { [UInt8]($0) }
    }

    // MARK: - Reading

    private func type(_ column: Int) -> UInt32 {
        precondition(column >= 0 && column < PQnfields(result.pointer), "a result has no column \(column)")
        return PQftype(result.pointer, Int32(column))
    }

    private func value(_ column: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: PQgetvalue(result.pointer, row, Int32(column)),
            count: Int(PQgetlength(result.pointer, row, Int32(column))))
    }

    private func optional<Value>(
        _ column: Int, _ expected: String, _ types: Set<UInt32>, _ read: (UnsafeRawBufferPointer) -> Value?
    ) throws(StintError) -> Value? {
        guard types.contains(type(column)) else { throw unexpected(column, expected) }
        if isNull(column) { return nil }
        guard let value = read(value(column)) else { throw unexpected(column, expected) }
        return value
    }

    private func array<Element>(
        _ column: Int, _ expected: String, _ types: Set<UInt32>, _ read: (UnsafeRawBufferPointer) -> Element?
    ) throws(StintError) -> [Element?]? {
        _ = type(column)
        if isNull(column) { return nil }
        guard let elements = BinaryValue.array(value(column), of: types, read) else {
            throw unexpected(column, expected)
        }
        return elements
    }

    private func present<Value>(_ value: Value?, _ column: Int) throws(StintError) -> Value {
        guard let value else { throw unexpected(column, "a value that is not NULL") }
        return value
    }

    private func complete<Value>(_ values: [Value?]?, _ column: Int) throws(StintError) -> [Value] {
        guard let values else { throw unexpected(column, "an array that is not NULL") }
        let present = values.compactMap { $0 }
        guard present.count == values.count else { throw unexpected(column, "an array without NULLs") }
        return present
    }

    private func unexpected(_ column: Int, _ expected: String) -> StintError {
        let name = PQfname(result.pointer, Int32(column)).map { String(cString: $0) } ?? "?"
        let found = isNull(column) ? "NULL" : "a value of another type (\(PQftype(result.pointer, Int32(column))))"
        return StintError(
            .databaseUnusable,
            "the PostgreSQL database returned \(found) as \(quoted(name)), where \(expected) was expected: its schema was "
                + "changed by something else than Stint's migrations; compare it with them")
    }
}
