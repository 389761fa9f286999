import CGMime

/// What all who read mails with GMime share.
package enum GMime {
    /// GMime's own preparations, once.
    private static let isReady: Bool = {
        g_mime_init()
        return true
    }()

    /// Reads the mail in these bytes, which must be within ``MailLimits``.
    ///
    /// - Returns: `nil` if GMime does not find a mail in them.
    package static func parsed<Value>(
        _ mail: [UInt8], _ read: (UnsafeMutablePointer<GMimeMessage>) throws -> Value
    ) rethrows -> Value? {
        guard isReady, !mail.isEmpty else { return nil }
        let message = mail.withUnsafeBytes { cg_parse($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        guard let message else { return nil }
        defer { cg_release(message) }
        return try read(message)
    }

    /// Those of a mail, in their order; then those of its content, such as `Content-Type`, which GMime keeps with the content.
    package static func headers(of message: UnsafeMutablePointer<GMimeMessage>) -> [HeaderField] {
        headers(of: cg_message_object(message))
            + (g_mime_message_get_mime_part(message).map { headers(of: $0) } ?? [])
    }

    private static func headers(of object: UnsafeMutablePointer<GMimeObject>) -> [HeaderField] {
        guard let list = g_mime_object_get_header_list(object) else { return [] }
        return (0..<g_mime_header_list_get_count(list)).compactMap { index in
            guard let header = g_mime_header_list_get_header_at(list, index), let name = g_mime_header_get_name(header)
            else { return nil }
            let value = cg_header_value(header)
            defer { g_free(value) }
            return HeaderField(
                name: String(cString: name), value: value.map { String(cString: $0) } ?? "",
                raw: g_mime_header_get_raw_value(header).map { String(cString: $0) } ?? "")
        }
    }

    /// Empty if it has none.
    package static func subject(of message: UnsafeMutablePointer<GMimeMessage>) -> String {
        headers(of: message).first { $0.name.lowercased() == "subject" }?.value ?? ""
    }

    /// In small letters, without parameters.
    package static func type(of object: UnsafeMutablePointer<GMimeObject>) -> String {
        guard let type = g_mime_object_get_content_type(object), let text = g_mime_content_type_get_mime_type(type)
        else { return "application/octet-stream" }
        defer { g_free(text) }
        return String(String(cString: text).lowercased().unicodeScalars.prefix(100))
    }

    package static func charset(of object: UnsafeMutablePointer<GMimeObject>) -> String? {
        g_mime_object_get_content_type(object)
            .flatMap { g_mime_content_type_get_parameter($0, "charset") }.map { String(cString: $0) }
    }

    /// The content of a part without its transfer encoding.
    package static func content(of part: UnsafeMutablePointer<GMimePart>) -> [UInt8] {
        guard let bytes = cg_content(part) else { return [] }
        defer { g_byte_array_unref(bytes) }
        return Array(UnsafeBufferPointer(start: bytes.pointee.data, count: Int(bytes.pointee.len)))
    }

    /// The object as it is sent.
    package static func source(of object: UnsafeMutablePointer<GMimeObject>) -> [UInt8] {
        guard let bytes = cg_object_bytes(object) else { return [] }
        defer { g_byte_array_unref(bytes) }
        return Array(UnsafeBufferPointer(start: bytes.pointee.data, count: Int(bytes.pointee.len)))
    }

    /// Bytes that GMime's converter turns into UTF-8; what is none of the character set's becomes `?`.
    ///
    /// - Returns: `nil` if the character set is not known.
    package static func text(_ bytes: UnsafeBufferPointer<UInt8>, charset: String) -> String? {
        guard isReady, !charset.isEmpty else { return nil }
        guard !bytes.isEmpty else { return "" }
        let text = bytes.withMemoryRebound(to: CChar.self) { cg_text($0.baseAddress, $0.count, charset) }
        guard let text else { return nil }
        defer { g_byte_array_unref(text) }
        return String(
            decoding: UnsafeBufferPointer(start: text.pointee.data, count: Int(text.pointee.len)), as: UTF8.self)
    }

    /// A text of a header, with its encoded words (RFC 2047) decoded.
    package static func headerText(_ text: String) -> String {
        guard isReady, text.utf8.contains(UInt8(ascii: "=")), !text.utf8.contains(0),
            let decoded = cg_header_text(text)
        else { return text }
        defer { g_free(decoded) }
        return String(cString: decoded)
    }

    /// The addresses of a header such as `From`, those in groups too, at most this many.
    ///
    /// - Parameter header: As it was sent. In a decoded one, words of a name could pass for addresses.
    package static func addresses(
        in header: String, atMost most: Int
    ) -> [(name: String?, address: String)] {
        guard isReady, !header.utf8.contains(0), let list = internet_address_list_parse(nil, header) else { return [] }
        defer { cg_release(list) }
        var found: [(name: String?, address: String)] = []
        addAddresses(of: list, to: &found, most, depth: 0)
        return found
    }

    private static func addAddresses(
        of list: UnsafeMutablePointer<InternetAddressList>, to found: inout [(name: String?, address: String)],
        _ most: Int, depth: Int
    ) {
        for index in 0..<internet_address_list_length(list) {
            guard found.count < most, depth < 4, let item = internet_address_list_get_address(list, index) else {
                return
            }
            if let group = cg_group(item), let members = internet_address_group_get_members(group) {
                addAddresses(of: members, to: &found, most, depth: depth + 1)
            } else if let mailbox = cg_mailbox(item), let address = internet_address_mailbox_get_addr(mailbox) {
                found.append((internet_address_get_name(item).map { String(cString: $0) }, String(cString: address)))
            }
        }
    }

    /// The time that a `Date` header says, in seconds since 1970.
    package static func date(_ header: String) -> Int64? {
        guard isReady, header.utf8.count <= 200, !header.utf8.contains(0),
            let date = g_mime_utils_header_decode_date(header)
        else { return nil }
        defer { g_date_time_unref(date) }
        return Int64(g_date_time_to_unix(date))
    }
}

/// A header of a mail.
package struct HeaderField: Sendable {
    package let name: String
    /// Decoded, on one line.
    package let value: String
    /// As it was sent.
    package let raw: String

    package init(name: String, value: String, raw: String) {
        self.name = name
        self.value = value
        self.raw = raw
    }

    package init(name: String, raw: String) {
        self.init(name: name, value: GMime.headerText(raw), raw: raw)
    }
}
