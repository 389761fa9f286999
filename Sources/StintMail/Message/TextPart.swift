import CGMime

/// A part of a message that is text, as it is sent: plain text or HTML.
///
/// Most mails have no other parts. They are written without GMime's objects, which take longer than all else of such a mail.
/// GMime's encoder and its header lines are the same.
struct TextPart {
    enum Kind: Hashable, CaseIterable {
        case plain, html

        var type: MIMEType {
            switch self {
            case .plain: .plainText
            case .html: .html
            }
        }
    }

    let kind: Kind
    /// With LF at the ends of lines.
    let content: [UInt8]
    let encoding: MIMEPart.Encoding

    /// - Parameter boundary: What all boundaries of the message begin with. Text that has it is encoded.
    init(_ kind: Kind, _ content: [UInt8], boundary: String) {
        self.kind = kind
        self.content = content
        var isPlain = true
        var length = 0
        // What Quoted-Printable would escape.
        var escaped = 0
        for byte in content {
            length = byte == 0x0A ? 0 : length + 1
            if byte > 0x7E || byte < 0x20 && byte != 0x0A {
                escaped += 1
                if byte != 0x09 { isPlain = false }
            } else if byte == UInt8(ascii: "=") {
                escaped += 1
            }
            if length > 78 { isPlain = false }
        }
        if isPlain, !Self.contains(Array(boundary.utf8), in: content) {
            encoding = .sevenBit
        } else {
            // Mostly letters of ASCII stay readable.
            encoding = escaped * 6 < content.count ? .quotedPrintable : .base64
        }
    }

    private static func contains(_ text: [UInt8], in bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while let start = rest.firstIndex(of: text[0]) {
            rest = rest[start...]
            if rest.starts(with: text) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    /// The same as GMime's object.
    func part() throws -> MIMEPart {
        try MIMEPart(kind.type, encoding == .base64 ? MailLines.withCRLF(content) : content, encoding)
    }

    // MARK: - Without objects

    /// Header lines, an empty line, and the content, with CRLF.
    ///
    /// - Parameter isPart: Whether a boundary follows. The CRLF before a boundary belongs to it (RFC 2046, 5.1.1), so content that
    ///   ends with a line break gets another one.
    /// - Returns: `nil` for Base64, which only ``part()`` writes.
    func bytes(isPart: Bool = false) -> [UInt8]? {
        guard let header = Self.headers[Header(kind: kind, encoding: encoding)] else { return nil }
        let encoded = encoding == .quotedPrintable ? quotedPrintable() : content
        var result = header
        result.reserveCapacity(header.count + encoded.count + encoded.count / 30 + 4)
        result += MailLines.withCRLF(encoded)
        if isPart, encoded.isEmpty || encoded.last == 0x0A { result += [0x0D, 0x0A] }
        return result
    }

    /// Parts with the same meaning, of which readers show the last one that they can.
    ///
    /// - Returns: `nil` if one is in Base64, which only ``part()`` writes.
    static func alternative(_ parts: [TextPart], boundary: String) -> [UInt8]? {
        guard let header = alternativeHeader, boundary.utf8.count == sampleBoundary.utf8.count else { return nil }
        var result = header.before
        result += boundary.utf8
        result += header.after
        for part in parts {
            guard let bytes = part.bytes(isPart: true) else { return nil }
            result += "--\(boundary)\r\n".utf8
            result += bytes
        }
        result += "--\(boundary)--\r\n".utf8
        return result
    }

    private func quotedPrintable() -> [UInt8] {
        content.withUnsafeBytes { content in
            let source = content.baseAddress?.assumingMemoryBound(to: CChar.self)
            return [UInt8](unsafeUninitializedCapacity: cg_quoted_printable_size(content.count)) { buffer, count in
                buffer.withMemoryRebound(to: CChar.self) {
                    count = cg_quoted_printable(source, content.count, $0.baseAddress)
                }
            }
        }
    }

    private struct Header: Hashable {
        var kind: Kind
        var encoding: MIMEPart.Encoding
    }

    /// GMime's header lines, with the empty line.
    private static let headers: [Header: [UInt8]] = {
        var headers: [Header: [UInt8]] = [:]
        for kind in Kind.allCases {
            for encoding in [MIMEPart.Encoding.sevenBit, .quotedPrintable] {
                guard let bytes = try? MIMEPart(kind.type, [], encoding).bytes() else { continue }
                headers[Header(kind: kind, encoding: encoding)] = header(of: bytes)
            }
        }
        return headers
    }()

    /// As long as each.
    private static let sampleBoundary = "=_stint_0123456789abcdef_alternative"

    /// GMime's header lines before and after the boundary.
    private static let alternativeHeader: (before: [UInt8], after: [UInt8])? = {
        let boundary = Array(sampleBoundary.utf8)
        guard let bytes = try? MIMEPart(multipart: "alternative", [], boundary: sampleBoundary).bytes() else {
            return nil
        }
        let header = Self.header(of: bytes)
        guard let start = header.indices.first(where: { header[$0...].starts(with: boundary) }) else { return nil }
        return (Array(header[..<start]), Array(header[(start + boundary.count)...]))
    }()

    private static func header(of bytes: [UInt8]) -> [UInt8] {
        let end = Array("\r\n\r\n".utf8)
        return bytes.indices.first { bytes[$0...].starts(with: end) }.map { Array(bytes[..<($0 + end.count)]) } ?? bytes
    }
}
