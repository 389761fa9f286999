#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Base64 as RFC 4648 has it, with its padding.
enum Base64 {
    /// - Returns: `nil` if it is none.
    static func decode(_ text: [UInt8]) -> [UInt8]? { Data(base64Encoded: Data(text)).map { [UInt8]($0) } }

    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
