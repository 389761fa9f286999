/// A parameter of a statement, sent in PostgreSQL's binary format with its type.
package enum PostgresValue: Sendable, Hashable {
    /// NULL of the type that the server infers.
    case null
    case bool(Bool)
    /// `smallint`
    case smallInt(Int16)
    /// `integer`
    case int32(Int32)
    /// `bigint`
    case int(Int64)
    /// `double precision`
    case double(Double)
    /// `text`. PostgreSQL stores no zero bytes in text, and refuses them.
    case text(String)
    /// `bytea`
    case bytes([UInt8])
    /// `jsonb`
    case json(String)

    case bools([Bool?])
    case smallInts([Int16?])
    case int32s([Int32?])
    case ints([Int64?])
    case doubles([Double?])
    case texts([String?])
    case byteArrays([[UInt8]?])
    /// `jsonb[]`
    case jsons([String?])

    package static func int(_ value: Int64?) -> PostgresValue { value.map { .int($0) } ?? .null }
    package static func int32(_ value: Int32?) -> PostgresValue { value.map { .int32($0) } ?? .null }
    package static func smallInt(_ value: Int16?) -> PostgresValue { value.map { .smallInt($0) } ?? .null }
    package static func double(_ value: Double?) -> PostgresValue { value.map { .double($0) } ?? .null }
    package static func bool(_ value: Bool?) -> PostgresValue { value.map { .bool($0) } ?? .null }
    package static func text(_ value: String?) -> PostgresValue { value.map { .text($0) } ?? .null }
    package static func bytes(_ value: [UInt8]?) -> PostgresValue { value.map { .bytes($0) } ?? .null }
    package static func json(_ value: String?) -> PostgresValue { value.map { .json($0) } ?? .null }
}
