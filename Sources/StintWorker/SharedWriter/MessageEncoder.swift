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

    /// Exactly: its seconds, then its attoseconds.
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
