import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A job as one line of JSON for a pipe handler.
struct PipeJob: Encodable {
    let id: Int64
    let token: Int64
    let queue: String
    let attempt: Int
    let maxAttempts: Int
    let headers: Headers
    let contentType: String
    /// The payload if it is valid UTF-8; otherwise it is in `payloadBase64`.
    let payload: String?
    let payloadBase64: String?
    /// Of a digest, instead of a payload: its events if all are valid UTF-8; otherwise they are in `payloadsBase64`.
    let payloads: [String]?
    let payloadsBase64: [String]?

    init(_ context: JobContext) {
        id = context.id.rawValue
        token = context.token.rawValue
        queue = context.queue.description
        attempt = context.attempt
        maxAttempts = context.maxAttempts
        headers = context.headers
        contentType = context.contentType
        if let events = context.job.events {
            let texts = events.compactMap { String(validating: $0, as: UTF8.self) }
            let areTexts = texts.count == events.count
            (payload, payloadBase64) = (nil, nil)
            payloads = areTexts ? texts : nil
            payloadsBase64 = areTexts ? nil : events.map { Data($0).base64EncodedString() }
        } else {
            payload = String(validating: context.job.payload, as: UTF8.self)
            payloadBase64 = payload == nil ? Data(context.job.payload).base64EncodedString() : nil
            (payloads, payloadsBase64) = (nil, nil)
        }
    }

    /// The line with its line break.
    func line() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return Array(try encoder.encode(self)) + [0x0A]
    }

    /// The line that tells a process to stop working on a job.
    static func cancelLine(_ lease: Lease) -> [UInt8] {
        Array(#"{"cancel":true,"id":\#(lease.job),"token":\#(lease.token)}"#.utf8) + [0x0A]
    }
}
