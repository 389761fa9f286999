import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Decodes JSON whose depth and number of values were counted before, so that small bodies take little memory and stack.
enum BoundedJSON {
    /// - Parameter what: For messages, such as "the body".
    /// - Throws: ``InboundRefusal``.
    static func decode<Value: Decodable>(
        _ bytes: some Collection<UInt8>, _ limits: InboundLimits, _ what: String
    ) throws -> Value {
        let bytes = Array(bytes)
        try check(bytes, limits, what)
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw InboundRefusal.broken("\(what) is no JSON as the service sends it: \(describe(error))")
        } catch {
            throw InboundRefusal.broken("\(what) is no JSON")
        }
    }

    private static func check(_ bytes: [UInt8], _ limits: InboundLimits, _ what: String) throws {
        var (depth, values) = (0, 0)
        var (isText, isEscaped) = (false, false)
        try bytes.withUnsafeBufferPointer { bytes in
            for byte in bytes {
                if isText {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isText = false
                    }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    values += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                case UInt8(ascii: ","): values += 1
                default: continue
                }
                guard depth <= limits.jsonDepth else {
                    throw InboundRefusal.broken("\(what) is JSON of more than \(limits.jsonDepth) levels")
                }
                guard values <= limits.jsonValues else {
                    throw InboundRefusal.tooLarge("\(what) is JSON of more than \(limits.jsonValues) values")
                }
            }
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        let (context, text): (DecodingError.Context, String) =
            switch error {
            case .typeMismatch(let type, let context): (context, "expected \(type)")
            case .valueNotFound(let type, let context): (context, "expected \(type) and not null")
            case .keyNotFound(let key, let context): (context, "'\(key.stringValue)' is missing")
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default: (.init(codingPath: [], debugDescription: ""), "it cannot be read")
            }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return quotedLine(path.isEmpty ? text : "at '\(path)': \(text)")
    }

    private static func quotedLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(200).filter { !$0.isControl }))
    }
}
