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
        // Any number of seconds is a duration: handlers choose how long theirs are.
        guard attoseconds.magnitude < 1_000_000_000_000_000_000 else { throw Malformed() }
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
