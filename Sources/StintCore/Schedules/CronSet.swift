/// The numbers that one field of a cron expression matches.
struct CronSet: Hashable, Sendable {
    private(set) var bits: UInt64 = 0
    /// Whether the field's text begins with `*`, also with a step. For cron such a field is a wildcard.
    private(set) var isWildcard = false

    /// The field that is not written: second 0.
    static let zero = CronSet(bits: 1)

    private init(bits: UInt64) {
        self.bits = bits
    }

    /// Reads one field.
    ///
    /// - Parameter expression: The whole expression, for errors.
    init(_ text: Substring.UTF8View, _ field: CronField, in expression: String) throws {
        isWildcard = text.first == UInt8(ascii: "*")
        for item in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            for value in try CronItem(item, field, in: expression).values { insert(value, field) }
        }
    }

    private mutating func insert(_ value: Int, _ field: CronField) {
        bits |= 1 << UInt64(field == .dayOfWeek ? value % 7 : value)
    }

    func contains(_ value: Int) -> Bool { bits >> UInt64(value) & 1 == 1 }

    /// The smallest number that is not below `value`.
    func first(from value: Int) -> Int? {
        guard value < 64 else { return nil }
        let rest = bits >> UInt64(value)
        return rest == 0 ? nil : value + rest.trailingZeroBitCount
    }

    /// The smallest number; a set is never empty.
    var smallest: Int { bits.trailingZeroBitCount }

    var values: [Int] { (0..<64).filter(contains) }
}
