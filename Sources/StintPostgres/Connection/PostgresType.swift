/// The types that values are sent and read as, by their numbers in `pg_type`. Those of the built-in types never change.
enum PostgresType {
    static let unspecified: UInt32 = 0
    static let bool: UInt32 = 16
    static let bytes: UInt32 = 17
    static let name: UInt32 = 19
    static let bigint: UInt32 = 20
    static let smallint: UInt32 = 21
    static let integer: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let double: UInt32 = 701
    static let varchar: UInt32 = 1043
    static let unknown: UInt32 = 705
    static let jsonb: UInt32 = 3802

    static let bools: UInt32 = 1000
    static let byteArrays: UInt32 = 1001
    static let smallints: UInt32 = 1005
    static let integers: UInt32 = 1007
    static let texts: UInt32 = 1009
    static let bigints: UInt32 = 1016
    static let doubles: UInt32 = 1022
    static let jsonbs: UInt32 = 3807
}

extension PostgresValue {
    var type: UInt32 {
        switch self {
        case .null: PostgresType.unspecified
        case .bool: PostgresType.bool
        case .smallInt: PostgresType.smallint
        case .int32: PostgresType.integer
        case .int: PostgresType.bigint
        case .double: PostgresType.double
        case .text: PostgresType.text
        case .bytes: PostgresType.bytes
        case .json: PostgresType.jsonb
        case .bools: PostgresType.bools
        case .smallInts: PostgresType.smallints
        case .int32s: PostgresType.integers
        case .ints: PostgresType.bigints
        case .doubles: PostgresType.doubles
        case .texts: PostgresType.texts
        case .byteArrays: PostgresType.byteArrays
        case .jsons: PostgresType.jsonbs
        }
    }
}
