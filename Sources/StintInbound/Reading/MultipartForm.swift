import StintCore

/// Reads `multipart/form-data` (RFC 7578) in one pass, without copies of the fields.
struct MultipartForm {
    private static let mostHeaderBytes = 16_384

    private let body: [UInt8]
    private let delimiter: [UInt8]
    private let limits: InboundLimits

    init(_ body: [UInt8], boundary: String, _ limits: InboundLimits) {
        self.body = body
        delimiter = Array("--\(boundary)".utf8)
        self.limits = limits
    }

    /// - Throws: ``InboundRefusal``.
    func fields() throws -> [FormBody.Field] {
        let marks = try delimiters()
        guard let last = marks.last, last.isEnd else {
            throw InboundRefusal.broken(
                "the form ends before its last boundary: it was cut, or its boundary is another")
        }
        return try zip(marks, marks.dropFirst()).map { mark, next in
            try field(body[mark.end..<max(mark.end, next.start)])
        }
    }

    private struct Delimiter {
        /// Where the line break before it begins.
        let start: Int
        /// After its own line break.
        let end: Int
        let isEnd: Bool
    }

    private func delimiters() throws -> [Delimiter] {
        var found: [Delimiter] = []
        try body.withUnsafeBufferPointer { bytes in
            var line = 0
            while line < bytes.count {
                if let delimiter = delimiter(at: line, bytes) {
                    guard found.count <= limits.fields else { throw FormBody.tooMany(limits) }
                    found.append(delimiter)
                    if delimiter.isEnd { return }
                }
                while line < bytes.count, bytes[line] != 0x0A { line += 1 }
                line += 1
            }
        }
        return found
    }

    private func delimiter(at line: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Delimiter? {
        guard line + delimiter.count <= bytes.count, bytes[line] == 0x2D else { return nil }
        for index in delimiter.indices where bytes[line + index] != delimiter[index] { return nil }
        var end = line + delimiter.count
        let isEnd = end + 1 < bytes.count && bytes[end] == 0x2D && bytes[end + 1] == 0x2D
        if isEnd { end += 2 }
        while end < bytes.count, bytes[end] == 0x20 || bytes[end] == 0x09 || bytes[end] == 0x0D { end += 1 }
        // A longer boundary that begins like this one is another.
        guard end == bytes.count || bytes[end] == 0x0A else { return nil }
        var start = line
        if start > 0 { start -= 1 }
        if start > 0, bytes[start - 1] == 0x0D { start -= 1 }
        return Delimiter(start: start, end: min(end + 1, bytes.count), isEnd: isEnd)
    }

    private func field(_ part: ArraySlice<UInt8>) throws -> FormBody.Field {
        var rest = part
        var field: FormBody.Field?
        var type = HeaderValue("")
        while true {
            guard let end = rest.prefix(Self.mostHeaderBytes).firstIndex(of: 0x0A) else {
                throw InboundRefusal.broken("a field of the form has no empty line after its headers")
            }
            var line = rest[..<end]
            if line.last == 0x0D { line = line.dropLast() }
            rest = rest[(end + 1)...]
            guard !line.isEmpty else { break }
            guard rest.startIndex - part.startIndex <= Self.mostHeaderBytes else {
                throw InboundRefusal.tooLarge(
                    "a field of the form has headers of more than \(Self.mostHeaderBytes) bytes")
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self)
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-disposition":
                let disposition = HeaderValue(value)
                guard disposition.value == "form-data", let name = disposition["name"] else { break }
                field = FormBody.Field(
                    name: String(name.unicodeScalars.prefix(1_000)), filename: disposition["filename"], bytes: [])
            case "content-type": type = HeaderValue(value)
            default: break
            }
        }
        guard var field else {
            throw InboundRefusal.broken("a part of the form has no Content-Disposition: form-data with a name")
        }
        if !type.value.isEmpty { field.contentType = type.value }
        field.charset = type["charset"]
        field.bytes = rest
        return field
    }
}
