#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONDecoder {
    /// Decodes bytes that anybody may have written.
    ///
    /// A line break goes behind them: Foundation ends the process where the place of an error is the end of the text, as it
    /// is of 513 opened arrays and nothing else (Swift 6.3.1).
    func decode<Value: Decodable>(_ type: Value.Type, fromBytes bytes: some Collection<UInt8>) throws -> Value {
        var data = Data(capacity: bytes.count + 1)
        data.append(contentsOf: bytes)
        data.append(0x0A)
        return try decode(type, from: data)
    }
}
