/// Reads values in PostgreSQL's binary format; `nil` if the bytes are not such a value.
enum BinaryValue {
    static func int(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        switch bytes.count {
        case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case 2: Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        default: nil
        }
    }

    static func double(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard bytes.count == 8 else { return nil }
        return Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    /// An array of one dimension, or an empty one, whose elements have one of the types.
    static func array<Element>(
        _ bytes: UnsafeRawBufferPointer, of types: Set<UInt32>, _ read: (UnsafeRawBufferPointer) -> Element?
    ) -> [Element?]? {
        var rest = bytes[...]
        func number() -> Int32? {
            guard rest.count >= 4 else { return nil }
            defer { rest = rest.dropFirst(4) }
            return Int32(bigEndian: UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: Int32.self))
        }
        guard let dimensions = number(), number() != nil, let type = number(),
            types.contains(UInt32(bitPattern: type))
        else { return nil }
        if dimensions == 0 { return [] }
        guard dimensions == 1, let count = number(), count >= 0, number() != nil else { return nil }
        var elements: [Element?] = []
        elements.reserveCapacity(min(Int(count), bytes.count / 4))
        for _ in 0..<count {
            guard let length = number() else { return nil }
            if length < 0 {
                elements.append(nil)
                continue
            }
            guard rest.count >= Int(length),
                let element = read(UnsafeRawBufferPointer(rebasing: rest.prefix(Int(length))))
            else { return nil }
            elements.append(element)
            rest = rest.dropFirst(Int(length))
        }
        return elements
    }
}

extension PostgresType {
    static let integerTypes: Set<UInt32> = [smallint, integer, bigint]
    static let textTypes: Set<UInt32> = [text, varchar, name, json, jsonb]
}
