/// The name of a queue. A value of this type is valid and needs no further check.
///
/// It has 1 to 200 bytes of UTF-8, no control characters or white space, and does not start with `-`, so that it can
/// always be a command-line argument. Names are compared by bytes: `é` as one code point and `e` with an accent are two
/// queues. Compare names, not their ``description``.
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
        // Compares bytes: a `-` with an accent on it is one character that does not equal `-`.
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

    /// For names read from a store. Another program may have written an invalid one, and it must still be shown.
    package init(stored name: String) {
        bytes = ByteText(name)
    }

    /// For names in source code. An invalid one is a programming error and traps.
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
