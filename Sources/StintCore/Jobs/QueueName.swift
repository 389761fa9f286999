/// The name of a queue. A value of this type is valid, so nobody checks it again.
///
/// One to 200 bytes of UTF-8 without control characters or white space, not starting with `-` (so that it can always
/// be an argument on the command line). Two names are equal exactly when their bytes are: `é` as one code point, and as
/// `e` with an accent, are two queues. Compare names, and not their ``description``.
public struct QueueName: Hashable, Sendable, Comparable, Codable, CustomStringConvertible, ExpressibleByStringLiteral {
    public static let `default`: QueueName = "default"

    /// The longest name, in bytes; beanstalkd's limit for a tube.
    public static let maximumBytes = 200

    private let bytes: ByteText

    public var description: String { bytes.text }

    /// - Throws: ``StintError`` with the code `invalidInput` that says which rule the name breaks.
    public init(_ name: String) throws {
        func reject(_ why: String) -> StintError {
            .invalidInput("the queue name \(quoted(name)) \(why)")
        }
        guard !name.isEmpty else {
            throw StintError.invalidInput("a queue name is empty; give it at least one character")
        }
        guard name.utf8.count <= Self.maximumBytes else {
            throw reject("has \(name.utf8.count) bytes; at most \(Self.maximumBytes) are allowed")
        }
        // By bytes: a `-` with an accent on it is one character that does not equal `-`.
        guard name.utf8.first != UInt8(ascii: "-") else {
            throw reject("starts with '-'; start it with a letter or a digit")
        }
        for scalar in name.unicodeScalars {
            guard !scalar.properties.isWhitespace, !scalar.isControl else {
                throw reject("has white space or a control character; use letters, digits, '.', '-' or '_'")
            }
        }
        bytes = ByteText(name)
    }

    /// For names read back from a store: another program may have written one that is not valid, and it must still be shown.
    package init(stored name: String) {
        bytes = ByteText(name)
    }

    /// For names written in the source: an invalid one is the programmer's error and traps.
    public init(stringLiteral name: StaticString) {
        do {
            try self.init(name.description)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    public init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public static func < (left: QueueName, right: QueueName) -> Bool { left.bytes < right.bytes }
}
