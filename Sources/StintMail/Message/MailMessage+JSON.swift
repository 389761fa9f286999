import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The JSON of a message: what has its usual value is left out, and contents are Base64.
extension MailMessage {
    private enum CodingKeys: String, CodingKey {
        case from, to, cc, bcc, replyTo, subject, text, html, inline, attachments, headers, thread, unsubscribe
        case isAutomatic = "automatic"
        case bounces, bouncesPerRecipient, bouncesByRecipient
        case messageID = "messageId"
        case date
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func list<Element: Decodable>(_ key: CodingKeys) throws -> [Element] {
            try container.decodeIfPresent([Element].self, forKey: key) ?? []
        }
        from = try container.decode(MailAddress.self, forKey: .from)
        to = try list(.to)
        cc = try list(.cc)
        bcc = try list(.bcc)
        replyTo = try list(.replyTo)
        subject = try container.decodeIfPresent(String.self, forKey: .subject) ?? ""
        text = try container.decodeIfPresent(String.self, forKey: .text)
        html = try container.decodeIfPresent(String.self, forKey: .html)
        inline = try list(.inline)
        attachments = try list(.attachments)
        headers = try list(.headers)
        thread = try container.decodeIfPresent(String.self, forKey: .thread)
        unsubscribe = try container.decodeIfPresent(MailUnsubscribe.self, forKey: .unsubscribe)
        isAutomatic = try container.decodeIfPresent(Bool.self, forKey: .isAutomatic) ?? true
        if let address = try container.decodeIfPresent(MailAddress.self, forKey: .bouncesPerRecipient) {
            bounces = .perRecipient(address)
        } else if let addresses = try container.decodeIfPresent([String: MailAddress].self, forKey: .bouncesByRecipient)
        {
            bounces = .byRecipient(addresses)
        } else {
            bounces = try container.decodeIfPresent(MailAddress.self, forKey: .bounces).map(BounceAddress.address)
        }
        messageID = try container.decodeIfPresent(String.self, forKey: .messageID)
        date = try container.decodeIfPresent(Int64.self, forKey: .date)
            .map { Date(timeIntervalSince1970: TimeInterval($0)) }
    }

    /// `date` is in seconds since 1970, UTC.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        func encode(_ list: [some Encodable], _ key: CodingKeys) throws {
            if !list.isEmpty { try container.encode(list, forKey: key) }
        }
        try container.encode(from, forKey: .from)
        try encode(to, .to)
        try encode(cc, .cc)
        try encode(bcc, .bcc)
        try encode(replyTo, .replyTo)
        try container.encode(subject, forKey: .subject)
        try container.encodeIfPresent(text, forKey: .text)
        try container.encodeIfPresent(html, forKey: .html)
        try encode(inline, .inline)
        try encode(attachments, .attachments)
        try encode(headers, .headers)
        try container.encodeIfPresent(thread, forKey: .thread)
        try container.encodeIfPresent(unsubscribe, forKey: .unsubscribe)
        if !isAutomatic { try container.encode(false, forKey: .isAutomatic) }
        switch bounces {
        case .address(let address)?: try container.encode(address, forKey: .bounces)
        case .perRecipient(let address)?: try container.encode(address, forKey: .bouncesPerRecipient)
        case .byRecipient(let addresses)?: try container.encode(addresses, forKey: .bouncesByRecipient)
        case nil: break
        }
        try container.encodeIfPresent(messageID, forKey: .messageID)
        if let date {
            guard let seconds = Int64(exactly: date.timeIntervalSince1970.rounded(.down)) else {
                throw StintError.invalidInput(
                    "the date of the message is out of range; expected one of the years 1 to 9999")
            }
            try container.encode(seconds, forKey: .date)
        }
    }
}
