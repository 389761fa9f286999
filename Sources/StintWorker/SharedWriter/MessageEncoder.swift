/// Writes the values of a message, in the order in which a ``MessageDecoder`` reads them. Numbers have their own size,
/// least significant byte first; texts and lists have their length in front.
struct MessageEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func write<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            write(UInt32(clamping: utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    mutating func write(bytes new: [UInt8]) {
        write(UInt32(clamping: new.count))
        bytes.append(contentsOf: new)
    }

    /// Milliseconds, or less, are kept: all of a duration's 128 bits.
    mutating func write(_ duration: Duration) {
        write(duration.components.seconds)
        write(duration.components.attoseconds)
    }

    mutating func write<Value>(_ value: Value?, _ body: (inout MessageEncoder, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    mutating func write<Value>(_ values: [Value], _ body: (inout MessageEncoder, Value) -> Void) {
        write(UInt32(clamping: values.count))
        for value in values { body(&self, value) }
    }

    /// Overwrites a number that was written before.
    mutating func replace(at index: Int, _ number: UInt32) {
        withUnsafeBytes(of: number.littleEndian) { new in
            for offset in 0..<4 { bytes[index + offset] = new[offset] }
        }
    }
}

/// Reads what a ``MessageEncoder`` has written. It never reads past the end, and never trusts a length.
struct MessageDecoder {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// It is no message: too short, too long, or with values that no message has.
    struct Malformed: Error {}

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else { throw Malformed() }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number {
        Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    mutating func bool() throws -> Bool {
        switch try number(UInt8.self) {
        case 0: false
        case 1: true
        default: throw Malformed()
        }
    }

    mutating func text() throws -> String {
        let utf8 = try take(Int(try number(UInt32.self)))
        guard let text = String(validating: utf8, as: UTF8.self) else { throw Malformed() }
        return text
    }

    mutating func byteArray() throws -> [UInt8] { Array(try take(Int(try number(UInt32.self)))) }

    mutating func duration() throws -> Duration {
        let (seconds, attoseconds) = (try number(Int64.self), try number(Int64.self))
        // What no duration has would overflow.
        guard attoseconds.magnitude < 1_000_000_000_000_000_000, seconds.magnitude <= UInt64(Int64.max / 2) else {
            throw Malformed()
        }
        return Duration(secondsComponent: seconds, attosecondsComponent: attoseconds)
    }

    mutating func optional<Value>(_ body: (inout MessageDecoder) throws -> Value) throws -> Value? {
        try bool() ? try body(&self) : nil
    }

    mutating func list<Value>(_ body: (inout MessageDecoder) throws -> Value) throws -> [Value] {
        let count = Int(try number(UInt32.self))
        // Each value has at least a byte, so a wrong length reserves no memory.
        guard count <= bytes.count - position else { throw Malformed() }
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try body(&self)) }
        return values
    }
}
