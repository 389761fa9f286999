import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Decodes JSON whose depth and number of values were counted before, so that small bodies take little memory and stack.
enum BoundedJSON {
    /// - Parameters:
    ///   - what: For messages, such as "the body".
    ///   - isCapitalized: Whether the names of members begin with a capital letter, which Swift's do not.
    /// - Throws: ``InboundRefusal``.
    static func decode<Value: Decodable>(
        _ bytes: some Collection<UInt8>, _ limits: InboundLimits, _ what: String, isCapitalized: Bool = false
    ) throws -> Value {
        let bytes = Array(bytes)
        // The decoder reads UTF-16 and UTF-32 too, in which the check below would count nothing.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw InboundRefusal.broken("\(what) is no JSON in UTF-8")
        }
        try check(bytes, limits, what)
        do {
            let decoder = JSONDecoder()
            if isCapitalized { decoder.keyDecodingStrategy = .custom { MemberName($0.last?.stringValue ?? "") } }
            return try decoder.decode(Value.self, from: Data(bytes))
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

/// The name of a member, with a small letter at its beginning.
private struct MemberName: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init(_ name: String) { stringValue = name.prefix(1).lowercased() + name.dropFirst() }
    init(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { return nil }
}
