import HTTPTypes
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NewJob {
    static let fieldNames = [
        "queue", "payload", "payloadJSON", "payloadBase64", "contentType", "priority", "delayMilliseconds",
        "expiresMilliseconds", "timeToRunMilliseconds", "maxAttempts", "maxCrashes", "uniqueKey", "onConflict",
        "debounceMilliseconds", "atMostMilliseconds", "maxEvents", "maxEventBytes", "group", "headers",
    ]

    /// A job as a client describes it.
    ///
    /// - Parameters:
    ///   - path: Where it is in the body, for messages.
    ///   - idempotencyKey: Of its request.
    /// - Throws: ``WebError`` or ``StintError`` that names what is wrong.
    init(json: JSONValue, at path: String, in usual: QueueName = .default, idempotencyKey: String? = nil) throws {
        let fields = try JSONFields(json, at: path, known: Self.fieldNames)
        var options = JobOptions()
        options.priority =
            try fields.integer("priority", in: 0...Int64(UInt32.max)).map { UInt32($0) } ?? options.priority
        options.delay = try fields.duration("delayMilliseconds") ?? .zero
        options.expires = try fields.duration("expiresMilliseconds", in: 1...JSONFields.longest)
        options.timeToRun = try fields.duration("timeToRunMilliseconds", in: 1...JSONFields.longest)
        options.maxAttempts =
            try fields.integer("maxAttempts", in: 1...Int64(Int32.max)).map { Int($0) } ?? options.maxAttempts
        options.maxCrashes =
            try fields.integer("maxCrashes", in: 1...Int64(Int32.max)).map { Int($0) } ?? options.maxCrashes
        options.uniqueKey = try fields.text("uniqueKey")
        options.idempotencyKey = idempotencyKey
        options.onConflict = try fields.choice("onConflict", ConflictPolicy.self) ?? .keep
        options.debounce = try fields.duration("debounceMilliseconds", in: 1...JSONFields.longest)
        options.atMost = try fields.duration("atMostMilliseconds", in: 1...JSONFields.longest)
        options.maxEvents =
            try fields.integer("maxEvents", in: 1...Int64(Self.maximumEvents)).map { Int($0) } ?? options.maxEvents
        options.maxEventBytes =
            try fields.integer("maxEventBytes", in: 1...Int64(Self.maximumPayloadBytes)).map { Int($0) }
            ?? options.maxEventBytes
        options.group = try fields.text("group")
        options.headers = try Self.headers(fields)
        let (payload, type) = try Self.payload(fields)
        try self.init(
            payload, in: try fields.queue("queue") ?? usual, contentType: try fields.text("contentType") ?? type,
            options: options)
    }

    private static func payload(_ fields: JSONFields) throws -> (bytes: [UInt8], contentType: String?) {
        let given = ["payload", "payloadJSON", "payloadBase64"].filter { fields[$0] != nil }
        guard given.count == 1 else {
            let place = fields.path.isEmpty ? "the job" : String(fields.path.dropLast())
            throw WebError(
                .badRequest,
                "\(place) has \(given.isEmpty ? "no payload" : given.joined(separator: " and ")); "
                    + "expected one of payload (a text), payloadJSON (any value) and payloadBase64")
        }
        if let text = try fields.text("payload") { return (Array(text.utf8), nil) }
        if let value = fields["payloadJSON"] { return (Array(value.bytes), ContentType.json) }
        guard let text = try fields.text("payloadBase64"), let data = Data(base64Encoded: text) else {
            throw WebError(
                .badRequest, "\(fields.path)payloadBase64 is no Base64; expected the alphabet of RFC 4648 with padding")
        }
        return (Array(data), nil)
    }

    private static func headers(_ fields: JSONFields) throws -> Headers {
        var headers = Headers()
        guard let value = fields["headers"] else { return headers }
        guard case .object(let members) = value.kind else {
            throw fields.wrong("headers", value, "an object with texts")
        }
        guard members.count <= 1_000 else {
            throw WebError(.badRequest, "\(fields.path)headers has \(members.count) headers; at most 1000 are allowed")
        }
        for (name, value) in members {
            guard case .text(let text) = value.kind else {
                throw fields.wrong("headers, \(quotedShort(name)),", value, "a text")
            }
            try headers.set(name, to: text)
        }
        return headers
    }
}
