#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONDecoder {
    /// Decodes bytes of any origin.
    ///
    /// Appends a line break: Foundation crashes if the position of an error is the end of the text, as for 513 opened
    /// arrays and nothing else (Swift 6.3.1).
    func decode<Value: Decodable>(_ type: Value.Type, fromBytes bytes: some Collection<UInt8>) throws -> Value {
        var data = Data(capacity: bytes.count + 1)
        data.append(contentsOf: bytes)
        data.append(0x0A)
        return try decode(type, from: data)
    }
}
