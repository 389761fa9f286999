/// Short names and values that travel with a job: its name, trace context, and what the application adds.
///
/// Names are lower-case ASCII letters, digits and `-`, starting with a letter (upper case is lowered), so that each has
/// exactly one environment variable in a command handler: `reply-to` is `STINT_HEADER_REPLY_TO`. Values are text
/// without control characters. All headers together have at most 64 KiB.
public struct Headers: Hashable, Sendable, Sequence {
    /// The header that names the registered job; see ``JobParameters/jobName``.
    public static let jobName = "job-name"

    /// The largest sum of names and values, in bytes.
    public static let maximumBytes = 65_536

    private var values: [String: ByteText] = [:]

    public init() {}

    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(_ values: [String: String]) throws {
        for (name, value) in values { try set(name, to: value) }
    }

    public var isEmpty: Bool { values.isEmpty }

    /// The size of all names and values.
    public var byteCount: Int { values.reduce(0) { $0 + $1.key.utf8.count + $1.value.text.utf8.count } }

    public subscript(name: String) -> String? { values[Self.lowered(name)]?.text }

    /// Lowers ASCII only: some other Unicode letters have an ASCII lower case.
    private static func lowered(_ name: String) -> String {
        String(decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }

    /// Adds or replaces a header.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`; the headers are unchanged then.
    public mutating func set(_ name: String, to value: String) throws {
        let name = Self.lowered(name)
        let isValid =
            name.utf8.first.map { (0x61...0x7A).contains($0) } == true
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        guard isValid else {
            throw StintError.invalidInput(
                "the header name \(quoted(name)) is not allowed: use ASCII letters, digits and '-', a letter first")
        }
        guard !value.unicodeScalars.contains(where: { $0.isControl && $0 != "\t" }) else {
            throw StintError.invalidInput(
                "the value of the header '\(name)' has a line break or another control character; "
                    + "put such data into the payload")
        }
        let others = values.reduce(0) { $1.key == name ? $0 : $0 + $1.key.utf8.count + $1.value.text.utf8.count }
        let size = others + name.utf8.count + value.utf8.count
        guard size <= Self.maximumBytes else {
            throw StintError.invalidInput(
                "the headers have \(size) bytes; at most \(Self.maximumBytes) are allowed: put large data into the payload"
            )
        }
        values[name] = ByteText(value)
    }

    /// Iterates in the order of the names.
    public func makeIterator() -> some IteratorProtocol<(key: String, value: String)> {
        values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.text) }.makeIterator()
    }
}

extension Headers: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode([String: String].self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values.mapValues(\.text))
    }
}
