import StintPlatform

/// Text of a query, compared by its bytes: `é` as one code point and `e` with an accent are two texts.
public struct QueryText: Sendable, Hashable, CustomStringConvertible {
    private let bytes: ByteText
    /// With small ASCII letters.
    private let lowered: [UInt8]
    /// How far a search may go on from a place where the text's last byte is compared with each byte.
    private let skips: [Int]

    public var description: String { bytes.text }

    public init(_ text: String) {
        bytes = ByteText(text)
        lowered = text.utf8.map(Self.lowered)
        var skips = Array(repeating: max(1, lowered.count), count: 256)
        for (index, byte) in lowered.dropLast().enumerated() {
            skips[Int(byte)] = lowered.count - 1 - index
            if (0x61...0x7A).contains(byte) { skips[Int(byte) - 0x20] = lowered.count - 1 - index }
        }
        self.skips = skips
    }

    public static func == (one: QueryText, other: QueryText) -> Bool { one.bytes == other.bytes }
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    public func equals(_ text: String) -> Bool { bytes == ByteText(text) }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte + 0x20 : byte }

    /// Whether the text is somewhere in these bytes; upper and lower case of ASCII letters are the same.
    func isContained(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let last = lowered.last else { return true }
        return lowered.withUnsafeBufferPointer { lowered in
            skips.withUnsafeBufferPointer { skips in
                var end = lowered.count - 1
                while end < bytes.count {
                    let byte = bytes[end]
                    if Self.lowered(byte) == last {
                        let start = end - lowered.count + 1
                        var index = 0
                        while index < lowered.count, Self.lowered(bytes[start + index]) == lowered[index] { index += 1 }
                        if index == lowered.count { return true }
                    }
                    end += skips[Int(byte)]
                }
                return false
            }
        }
    }
}

/// A value in a query: the whole of it, or how it begins. Bytes are compared.
public struct QueryPattern: Sendable, Hashable {
    public let text: QueryText
    /// Whether the value only has to begin with the text, as in `newsletter.*`.
    public let isPrefix: Bool

    public init(_ text: String, isPrefix: Bool = false) {
        self.text = QueryText(text)
        self.isPrefix = isPrefix
    }

    func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var text = text.description
        return text.withUTF8 { text in
            guard isPrefix ? bytes.count >= text.count : bytes.count == text.count else { return false }
            return text.isEmpty || memcmp(bytes.baseAddress!, text.baseAddress!, text.count) == 0
        }
    }
}
