#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// In JSON, with the names that `stint show --json` has too.
extension StoredJob: Codable {
    private enum CodingKeys: String, CodingKey {
        case failures, readyAt, burial, holdsGroup, wasClaimed, openedAt, startLimit
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        record = try JobRecord(from: decoder)
        body = try JobBody(from: decoder)
        failures = try container.decodeIfPresent([JobFailure].self, forKey: .failures) ?? []
        readyAt = try container.decodeIfPresent(Timestamp.self, forKey: .readyAt)
        burial = try container.decodeIfPresent(Int64.self, forKey: .burial)
        holdsGroup = try container.decodeIfPresent(Bool.self, forKey: .holdsGroup) ?? false
        wasClaimed = try container.decodeIfPresent(Bool.self, forKey: .wasClaimed) ?? false
        openedAt = try container.decodeIfPresent(Timestamp.self, forKey: .openedAt)
        startLimit = try container.decodeIfPresent(Timestamp.self, forKey: .startLimit)
    }

    public func encode(to encoder: any Encoder) throws {
        try record.encode(to: encoder)
        try body.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !failures.isEmpty { try container.encode(failures, forKey: .failures) }
        try container.encodeIfPresent(readyAt, forKey: .readyAt)
        try container.encodeIfPresent(burial, forKey: .burial)
        if holdsGroup { try container.encode(true, forKey: .holdsGroup) }
        if wasClaimed { try container.encode(true, forKey: .wasClaimed) }
        try container.encodeIfPresent(openedAt, forKey: .openedAt)
        try container.encodeIfPresent(startLimit, forKey: .startLimit)
    }
}

/// As text, or in Base64 if it is not UTF-8; the payloads of a digest in a list.
extension JobBody: Codable {
    private enum CodingKeys: String, CodingKey {
        case payload, payloadBase64, payloads, payloadsBase64
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func bytes(_ text: String, _ key: CodingKeys) throws -> [UInt8] {
            guard let data = Data(base64Encoded: text) else {
                throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "it is not Base64")
            }
            return [UInt8](data)
        }
        if let text = try container.decodeIfPresent(String.self, forKey: .payload) {
            self = .single(Array(text.utf8))
        } else if let text = try container.decodeIfPresent(String.self, forKey: .payloadBase64) {
            self = .single(try bytes(text, .payloadBase64))
        } else if let texts = try container.decodeIfPresent([String].self, forKey: .payloads) {
            self = .digest(texts.map { Array($0.utf8) })
        } else {
            let texts = try container.decode([String].self, forKey: .payloadsBase64)
            self = .digest(try texts.map { try bytes($0, .payloadsBase64) })
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .single(let payload):
            if let text = String(validating: payload, as: UTF8.self) {
                try container.encode(text, forKey: .payload)
            } else {
                try container.encode(Data(payload).base64EncodedString(), forKey: .payloadBase64)
            }
        case .digest(let events):
            let texts = events.compactMap { String(validating: $0, as: UTF8.self) }
            if texts.count == events.count {
                try container.encode(texts, forKey: .payloads)
            } else {
                try container.encode(events.map { Data($0).base64EncodedString() }, forKey: .payloadsBase64)
            }
        }
    }
}
