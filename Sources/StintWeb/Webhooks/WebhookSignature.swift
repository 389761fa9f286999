import Crypto
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The headers by which a receiver knows who sends, and what it has already: those of Standard Webhooks.
enum WebhookSignature {
    /// - Parameters:
    ///   - id: The same for each attempt of a message.
    ///   - time: In seconds since 1970, UTC: a receiver may refuse old requests, which somebody has recorded.
    static func headers(id: String, time: Int64, body: [UInt8], _ secret: WebhookSecret) -> [(String, String)] {
        var code = HMAC<SHA256>(key: SymmetricKey(data: secret.bytes))
        code.update(data: Data("\(id).\(time).".utf8))
        code.update(data: body)
        let signature = Data(code.finalize()).base64EncodedString()
        return [("webhook-id", id), ("webhook-timestamp", "\(time)"), ("webhook-signature", "v1,\(signature)")]
    }
}
