import HTTPTypes
import StintCore
import StintPlatform

/// The fields of a form, `application/x-www-form-urlencoded` or `multipart/form-data`.
struct FormBody: Sendable {
    struct Field: Sendable {
        var name: String
        var filename: String?
        var contentType = "application/octet-stream"
        var charset: String?
        var bytes: ArraySlice<UInt8>

        var text: String { Charset.text(bytes, charset) }
    }

    private(set) var fields: [Field] = []

    /// - Throws: ``InboundRefusal``.
    private let limits: InboundLimits

    init(_ post: Post, _ limits: InboundLimits) throws {
        self.limits = limits
        let type = HeaderValue(post.contentType)
        switch type.value {
        case "application/x-www-form-urlencoded": fields = try Self.urlencoded(post.body, limits)
        case "multipart/form-data":
            guard let boundary = type["boundary"], (1...200).contains(boundary.utf8.count) else {
                throw InboundRefusal.broken("the Content-Type multipart/form-data has no boundary")
            }
            fields = try MultipartForm(post.body, boundary: boundary, limits).fields()
        default:
            throw InboundRefusal(
                .unsupportedMediaType,
                "the body is \(type.value.isEmpty ? "of no type" : quoted(type.value)); expected multipart/form-data or application/x-www-form-urlencoded"
            )
        }
    }

    /// The first field of this name.
    private func field(_ name: String) -> Field? { fields.first { $0.name == name } }

    func bytes(_ name: String) -> ArraySlice<UInt8>? { field(name)?.bytes }
    func charset(_ name: String) -> String? { field(name)?.charset }

    /// A short text; of a longer one its beginning.
    func text(_ name: String, charset: String? = nil) -> String? {
        field(name).map { Charset.text($0.bytes.prefix(limits.fieldBytes), charset ?? $0.charset) }
    }

    // MARK: - application/x-www-form-urlencoded

    private static func urlencoded(_ body: [UInt8], _ limits: InboundLimits) throws -> [Field] {
        var fields: [Field] = []
        for pair in body.split(separator: UInt8(ascii: "&")) {
            guard fields.count < limits.fields else { throw tooMany(limits) }
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = try decoded(pair[..<end])
            let value = try decoded(end < pair.endIndex ? pair[(end + 1)...] : [])
            fields.append(Field(name: String(decoding: name.prefix(1_000), as: UTF8.self), bytes: value[...]))
        }
        return fields
    }

    static func tooMany(_ limits: InboundLimits) -> InboundRefusal {
        .tooLarge("the form has more than \(limits.fields) fields, the most that are accepted")
    }

    private static func decoded(_ text: ArraySlice<UInt8>) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var place = text.startIndex
        while place < text.endIndex {
            switch text[place] {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard place + 2 < text.endIndex, let high = HexText.value(text[place + 1]),
                    let low = HexText.value(text[place + 2])
                else { throw InboundRefusal.broken("the form has a '%' without two hexadecimal digits after it") }
                bytes.append(high << 4 | low)
                place += 2
            case let byte: bytes.append(byte)
            }
            place += 1
        }
        return bytes
    }
}

/// The value of a header, and its parameters.
struct HeaderValue: Sendable {
    /// In small letters.
    let value: String
    private var parameters: [(name: String, value: String)] = []

    init(_ text: String) {
        var rest = text.unicodeScalars.prefix(8_192)[...]
        value = Self.trimmed(String(rest.prefix { $0 != ";" })).lowercased()
        rest = rest.drop { $0 != ";" }
        while !rest.isEmpty, parameters.count < 32 {
            rest = rest.drop { $0 == ";" || $0 == " " || $0 == "\t" }
            let name = Self.trimmed(String(rest.prefix { $0 != "=" && $0 != ";" })).lowercased()
            rest = rest.drop { $0 != "=" && $0 != ";" }
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
            var value = String.UnicodeScalarView()
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let next = rest.first, next != "\"" {
                    rest = rest.dropFirst()
                    // Browsers escape a quote as %22 or \"; a backslash before anything else is one, as in paths.
                    if next == "\\", let escaped = rest.first, escaped == "\"" || escaped == "\\" {
                        value.append(escaped)
                        rest = rest.dropFirst()
                    } else {
                        value.append(next)
                    }
                }
                rest = rest.drop { $0 != ";" }
            } else {
                value = String.UnicodeScalarView(Self.trimmed(String(rest.prefix { $0 != ";" })).unicodeScalars)
                rest = rest.drop { $0 != ";" }
            }
            if !name.isEmpty { parameters.append((name, String(value))) }
        }
    }

    subscript(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    private static func trimmed(_ text: String) -> String {
        var scalars = text.unicodeScalars.drop { $0 == " " || $0 == "\t" }
        while let last = scalars.last, last == " " || last == "\t" { scalars = scalars.dropLast() }
        return String(scalars)
    }
}
