/// A mail as a program gives it to `sendmail`: its headers may lack what every mail has, and may have what no recipient
/// should see.
package struct SubmittedMail: Sendable {
    /// Headers of a mail that its sender's program must not send on.
    private static let dropped: Set<String> = ["bcc", "resent-bcc", "return-path"]

    private struct Field {
        let name: String
        /// With its name, and with the line ends of all its lines.
        let bytes: ArraySlice<UInt8>

        var value: ArraySlice<UInt8> {
            bytes.firstIndex(of: UInt8(ascii: ":")).map { bytes[($0 + 1)...] } ?? []
        }
    }

    private var fields: [Field] = []
    /// From the empty line on.
    private var body: ArraySlice<UInt8>

    /// - Parameter text: A mail with any line ends. A first line that is no header begins the body; one of a mailbox file,
    ///   `From anna …`, is left out.
    package init(_ text: some Collection<UInt8>) {
        let bytes = LineEnds.normalized(text)
        var rest = bytes[...]
        if rest.starts(with: "From ".utf8) { rest = rest[Self.lineEnd(rest)...] }
        while let field = Self.field(at: rest) {
            fields.append(field)
            rest = rest[field.bytes.endIndex...]
        }
        body = rest
    }

    /// After the line's end.
    private static func lineEnd(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.endIndex
    }

    private static func field(at bytes: ArraySlice<UInt8>) -> Field? {
        let name = bytes.prefix { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        let colon = bytes[name.endIndex...].drop { $0 == 0x20 || $0 == 0x09 }
        guard !name.isEmpty, colon.first == UInt8(ascii: ":") else { return nil }
        var end = lineEnd(bytes)
        while end < bytes.endIndex, bytes[end] == 0x20 || bytes[end] == 0x09 { end = lineEnd(bytes[end...]) }
        return Field(name: String(decoding: name, as: UTF8.self).lowercased(), bytes: bytes[..<end])
    }

    private func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

    /// The recipients that the headers name: of a mail that is sent again, those that it is sent to again.
    package var recipients: [String] {
        let again = ["resent-to", "resent-cc", "resent-bcc"]
        let names = fields.contains { again.contains($0.name) } ? again : ["to", "cc", "bcc"]
        return fields.filter { names.contains($0.name) }.flatMap { AddressList.addresses(in: $0.value) }
    }

    /// What is added if it is not there.
    package struct Defaults: Sendable {
        /// As `Sat, 28 Nov 2026 00:10:26 +0000`.
        package let date: String
        /// With angle brackets.
        package let messageID: String
        package let sender: String
        /// The sender's name; may be empty.
        package let senderName: String

        package init(date: String, messageID: String, sender: String, senderName: String) {
            self.date = date
            self.messageID = messageID
            self.sender = sender
            self.senderName = senderName
        }
    }

    /// The mail as it is sent.
    package func bytes(adding defaults: Defaults) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ text: String) { bytes += Array((text + "\r\n").utf8) }
        if !has("date") { add("Date: \(defaults.date)") }
        if !has("from") { add("From: \(Self.from(defaults))") }
        if !has("message-id") { add("Message-ID: \(defaults.messageID)") }
        for field in fields where !Self.dropped.contains(field.name) { bytes += field.bytes }
        // What follows the headers at once is a body without the line between them.
        if !body.starts(with: [0x0D, 0x0A]) { bytes += [0x0D, 0x0A] }
        return bytes + body
    }

    private static func from(_ defaults: Defaults) -> String {
        let name = String(decoding: defaults.senderName.utf8.filter { $0 >= 0x20 && $0 != 0x7F }, as: UTF8.self)
        guard !name.isEmpty else { return defaults.sender.isEmpty ? "MAILER-DAEMON" : defaults.sender }
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else {
            return "=?utf-8?B?\(Base64.encode(Array(name.utf8)))?= <\(defaults.sender)>"
        }
        let quoted = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(quoted)\" <\(defaults.sender)>"
    }
}
