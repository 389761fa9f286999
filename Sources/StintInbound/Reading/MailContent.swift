import StintCore
import StintMIME

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Who sent a mail and to whom, as the receiving server knows.
struct Envelope: Sendable {
    /// Empty: nobody. `nil`: the service does not say.
    var sender: String?
    var recipients: [String]
}

/// What a post or a MIME mail has, collected within the limits.
struct MailContent {
    let limits: InboundLimits
    private(set) var headers: [InboundHeader] = []
    /// Headers with addresses as they were sent, by their names in small letters: what a name has in it is no address.
    private var rawAddresses: [String: [String]] = [:]
    private(set) var text: String?
    private(set) var html: String?
    private(set) var isTextCut = false
    private(set) var attachments: [InboundAttachment] = []
    private(set) var omitted: [OmittedAttachment] = []
    /// The parts that report about deliveries (RFC 3464).
    private(set) var reports: [String] = []
    private var attachmentBytes = 0

    init(_ limits: InboundLimits) { self.limits = limits }

    // MARK: - Collecting

    /// Those beyond the limits are left out.
    mutating func setHeaders(_ list: some Sequence<HeaderField>) {
        var bytes = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        for field in list {
            let header = InboundHeader(name: field.name.withoutNUL.cut(bytes: 200), value: Self.line(field.value))
            bytes += header.name.utf8.count + header.value.utf8.count
            guard headers.count < limits.headers, bytes <= limits.headerBytes else { return }
            headers.append(header)
            let name = header.name.lowercased()
            if Self.addressHeaders.contains(name) { rawAddresses[name, default: []].append(field.raw) }
        }
    }

    private static let addressHeaders: Set<String> = ["from", "reply-to", "to", "cc"]

    /// Of all headers of this name.
    func addresses(_ name: String) -> [InboundAddress] {
        let raw = rawAddresses[name.lowercased()] ?? header(name).map { [$0] } ?? []
        return Array(raw.flatMap { AddressList.of($0, limits) }.prefix(limits.addresses))
    }

    /// The header of this name; `nil` if there is none, or more than one.
    func only(_ name: String) -> String? {
        let name = name.lowercased()
        let found = headers.filter { $0.name.lowercased() == name }
        return found.count == 1 ? found[0].value : nil
    }

    mutating func addMissing(_ name: String, _ value: String?) {
        guard let value, header(name) == nil, !name.isEmpty else { return }
        headers.append(InboundHeader(name: name, value: Self.line(value).cut(bytes: 16_384)))
    }

    func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }

    /// A value of a header on one line.
    static func line(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: \.isControl) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0 != "\r" && $0 != "\n" }.map { $0.isControl ? " " : $0 }))
    }

    mutating func add(text bytes: ArraySlice<UInt8>?, charset: String?) { add(bytes, charset, to: \.text) }
    mutating func add(html bytes: ArraySlice<UInt8>?, charset: String?) { add(bytes, charset, to: \.html) }

    private mutating func add(
        _ bytes: ArraySlice<UInt8>?, _ charset: String?, to path: WritableKeyPath<MailContent, String?>
    ) {
        guard let bytes else { return }
        if bytes.count > limits.textBytes { isTextCut = true }
        let text = Charset.text(bytes.prefix(limits.textBytes), charset)
            .replacing("\r\n", with: "\n")
        let whole = self[keyPath: path].map { $0 + "\n" + text } ?? text
        if whole.utf8.count > limits.textBytes { isTextCut = true }
        self[keyPath: path] = whole.cut(bytes: limits.textBytes)
    }

    /// The first text and the first HTML of the parts that have a file name and are shown in their place.
    private var namedText: (bytes: [UInt8], charset: String?)?
    private var namedHTML: (bytes: [UInt8], charset: String?)?

    /// A text with a name is a file, and shown between the others. It is also what the sender wrote if there is nothing else:
    /// see ``useNamedTexts()``.
    mutating func keep(named bytes: [UInt8], _ charset: String?, isHTML: Bool) {
        if isHTML {
            namedHTML = namedHTML ?? (bytes, charset)
        } else {
            namedText = namedText ?? (bytes, charset)
        }
    }

    /// Some programs give the text of a mail a name. So the first named text becomes the mail's if it has none without a
    /// name. It stays among the files too.
    mutating func useNamedTexts() {
        guard text == nil, html == nil else { return }
        if let namedText { add(text: namedText.bytes[...], charset: namedText.charset) }
        if let namedHTML { add(html: namedHTML.bytes[...], charset: namedHTML.charset) }
    }

    mutating func add(report: [UInt8]) {
        guard reports.count < 4 else { return }
        // Two characters of a line break are one Character of a String.
        reports.append(Charset.text(report.prefix(262_144), nil).replacing("\r\n", with: "\n"))
    }

    mutating func attach(_ name: String, type: String, contentID: String?, _ bytes: [UInt8]) {
        let name = String(Self.line(name.withoutNUL).unicodeScalars.prefix(200))
        let type = String(Self.line(type.isEmpty ? "application/octet-stream" : type).lowercased().prefix(100))
        if type.hasSuffix("delivery-status") { add(report: bytes) }
        let reason: String? =
            if attachments.count >= limits.attachments {
                "a mail may have \(limits.attachments) attachments"
            } else if bytes.count > limits.attachmentBytes {
                "an attachment may have \(limits.attachmentBytes) bytes"
            } else if attachmentBytes + bytes.count > limits.attachmentBytesInAll {
                "the attachments of a mail may have \(limits.attachmentBytesInAll) bytes together"
            } else {
                nil
            }
        if let reason {
            guard omitted.count < 100 else { return }
            omitted.append(OmittedAttachment(name: name, contentType: type, bytes: bytes.count, reason: reason))
            return
        }
        attachmentBytes += bytes.count
        attachments.append(
            InboundAttachment(
                name: name, contentType: type,
                contentID: contentID.map { AddressList.withoutBrackets(Self.line($0)).cut(bytes: 500) },
                content: Data(bytes)))
    }

    // MARK: - The mail

    func mail(
        _ service: InboundMail.Service, id: String, _ rules: ReceivingRules, envelope: Envelope
    ) -> InboundMail {
        var mail = InboundMail(service: service, id: id, receivedAt: rules.now)
        mail.headers = headers
        mail.envelopeSender = envelope.sender.map { AddressList.withoutBrackets($0).withoutNUL.cut(bytes: 500) }
        if mail.envelopeSender == "" { mail.envelopeSender = nil }
        mail.recipients = envelope.recipients.prefix(limits.addresses).map { $0.withoutNUL.cut(bytes: 500) }
        mail.authors = addresses("From")
        mail.from = mail.authors.first
        mail.replyTo = addresses("Reply-To")
        mail.to = addresses("To")
        mail.cc = addresses("Cc")
        mail.subject = (header("Subject") ?? "").cut(bytes: 4_000)
        mail.messageID = MessageIDs.all(in: header("Message-ID") ?? "", atMost: 1).first
        mail.inReplyTo = MessageIDs.all(in: header("In-Reply-To") ?? "", atMost: 20)
        mail.references = MessageIDs.all(in: header("References") ?? "", atMost: 100)
        mail.date = header("Date").flatMap { GMime.date($0) }.map { Date(timeIntervalSince1970: Double($0)) }
        mail.text = text
        mail.html = html
        mail.isTextCut = isTextCut
        mail.attachments = attachments
        mail.omitted = omitted
        let hasNoSender = envelope.sender.map { AddressList.withoutBrackets($0).isEmpty } ?? false
        MailKind.decide(&mail, reports: reports, hasNoSender: hasNoSender || header("Return-Path") == "<>")
        return mail
    }
}
