#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The key of a webhook's signatures. As text it has the form of Standard Webhooks: `whsec_` and the key in Base64.
public struct WebhookSecret: Sendable, Hashable {
    public let bytes: [UInt8]

    /// By chance: 32 bytes.
    public init() {
        var generator = SystemRandomNumberGenerator()
        bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// As a store has kept it.
    public init?(stored bytes: [UInt8]) {
        guard (16...256).contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    /// - Throws: ``StintError`` with the code `invalidInput`, without the text.
    public init(_ text: String) throws {
        let prefix = "whsec_"
        let bytes = text.hasPrefix(prefix) ? Data(base64Encoded: String(text.dropFirst(prefix.count))) : Data(text.utf8)
        guard let bytes, let secret = Self(stored: [UInt8](bytes)) else {
            throw StintError.invalidInput(
                "the webhook's secret cannot be used: expected whsec_ and 16 to 256 bytes in Base64, or any text of that "
                    + "length")
        }
        self = secret
    }

    public var text: String { "whsec_" + Data(bytes).base64EncodedString() }
}
