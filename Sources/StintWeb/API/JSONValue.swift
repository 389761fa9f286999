import HTTPTypes

/// A JSON text that a client has sent. Numbers stay as they were written, and a payload keeps its bytes.
struct JSONValue: Sendable {
    enum Kind: Sendable {
        case object([(name: String, value: JSONValue)])
        case list([JSONValue])
        case text(String)
        case number(String)
        case bool(Bool)
        case null
        /// A value that was only checked.
        case unread
    }

    let kind: Kind
    /// As it was written.
    let bytes: ArraySlice<UInt8>

    static let maximumDepth = 64
    /// The most values of a text, beside those within payloads.
    static let maximumValues = 200_000

    /// - Parameter unread: Members of this name are checked, and keep their bytes only.
    /// - Throws: ``WebError`` that names the place.
    init(_ bytes: [UInt8], unread: String = "payloadJSON") throws {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw WebError(.badRequest, "the body is not UTF-8 text; expected JSON")
        }
        var parser = JSONParser(bytes: bytes, unread: unread)
        self = try parser.whole()
    }

    fileprivate init(_ kind: Kind, _ bytes: ArraySlice<UInt8>) {
        self.kind = kind
        self.bytes = bytes
    }

    /// For messages: `the text 'abc'`, `the number 1e400`, `a list`.
    var described: String {
        switch kind {
        case .object: "an object"
        case .list: "a list"
        case .text(let text): "the text \(quotedShort(text))"
        case .number(let number): "the number \(number.prefix(40))\(number.utf8.count > 40 ? "…" : "")"
        case .bool(let value): "\(value)"
        case .null: "null"
        case .unread: "a value"
        }
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let unread: String
    var place = 0
    var count = 0

    func wrong(_ expected: String) -> WebError {
        WebError(
            .badRequest,
            place < bytes.count
                ? "the body is no JSON: at byte \(place + 1) there must be \(expected)"
                : "the body is no JSON: it ends where there must be \(expected)")
    }

    mutating func whole() throws -> JSONValue {
        skipSpace()
        let value = try value(depth: 0, isRead: true)
        skipSpace()
        guard place == bytes.count else { throw wrong("the end") }
        return value
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { place += 1 }
    }

    private mutating func take(_ expected: UInt8) -> Bool {
        guard byte == expected else { return false }
        place += 1
        return true
    }

    private mutating func value(depth: Int, isRead: Bool) throws -> JSONValue {
        guard depth < JSONValue.maximumDepth else {
            throw WebError(
                .badRequest,
                "the body is JSON of more than \(JSONValue.maximumDepth) levels; expected fewer, or the payload as a text"
            )
        }
        if isRead {
            count += 1
            guard count <= JSONValue.maximumValues else {
                throw WebError(
                    .badRequest, "the body has more than \(JSONValue.maximumValues) values; send it in parts")
            }
        }
        let start = place
        let kind: JSONValue.Kind
        switch byte {
        case UInt8(ascii: "{"): kind = try object(depth: depth, isRead: isRead)
        case UInt8(ascii: "["): kind = try list(depth: depth, isRead: isRead)
        case UInt8(ascii: "\""):
            let text = try text(isRead: isRead)
            kind = .text(text)
        default: kind = try scalar()
        }
        return JSONValue(isRead ? kind : .unread, bytes[start..<place])
    }

    private mutating func object(depth: Int, isRead: Bool) throws -> JSONValue.Kind {
        place += 1
        var members: [(name: String, value: JSONValue)] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw wrong("a name in quotes") }
            let name = try text(isRead: isRead)
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw wrong("a colon") }
            skipSpace()
            let value = try value(depth: depth + 1, isRead: isRead && name != unread)
            if isRead { members.append((name, value)) }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw wrong("a comma or a closing brace") }
        return .object(members)
    }

    private mutating func list(depth: Int, isRead: Bool) throws -> JSONValue.Kind {
        place += 1
        var items: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .list([]) }
        repeat {
            skipSpace()
            let item = try value(depth: depth + 1, isRead: isRead)
            if isRead { items.append(item) }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw wrong("a comma or a closing bracket") }
        return .list(items)
    }

    private mutating func scalar() throws -> JSONValue.Kind {
        switch byte {
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: break
        }
        let start = place
        _ = take(UInt8(ascii: "-"))
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
        guard isDigit(byte) else { throw wrong("a value") }
        if !take(UInt8(ascii: "0")) { while isDigit(byte) { place += 1 } }
        if take(UInt8(ascii: ".")) {
            guard isDigit(byte) else { throw wrong("a digit") }
            while isDigit(byte) { place += 1 }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard isDigit(byte) else { throw wrong("a digit") }
            while isDigit(byte) { place += 1 }
        }
        return .number(String(decoding: bytes[start..<place], as: UTF8.self))
    }

    private mutating func word(_ word: StaticString, _ kind: JSONValue.Kind) throws -> JSONValue.Kind {
        guard bytes[place...].starts(with: word.description.utf8) else { throw wrong("a value") }
        place += word.utf8CodeUnitCount
        return kind
    }

    private mutating func text(isRead: Bool) throws -> String {
        place += 1
        let start = place
        // Most texts have no escapes.
        while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { place += 1 }
        if take(UInt8(ascii: "\"")) {
            return isRead ? String(decoding: bytes[start..<place - 1], as: UTF8.self) : ""
        }
        var text = Array(bytes[start..<place])
        while let next = byte {
            place += 1
            switch next {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escape()
            case ..<0x20:
                place -= 1
                throw wrong("an escape such as \\n instead of a control character")
            default: text.append(next)
            }
        }
        throw wrong("a closing quote")
    }

    private mutating func escape() throws -> [UInt8] {
        guard let next = byte else { throw wrong("an escape") }
        place += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [next]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"):
            var code = try unit()
            if (0xd800..<0xdc00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw wrong("the second half of a pair \\uD8…\\uDC…")
                }
                let low = try unit()
                guard (0xdc00..<0xe000).contains(low) else { throw wrong("the second half of a pair \\uD8…\\uDC…") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw wrong("a character, and not half of one") }
            return Array(String(scalar).utf8)
        default:
            place -= 1
            throw wrong("an escape such as \\n or \\u0041")
        }
    }

    private mutating func unit() throws -> UInt32 {
        guard place + 4 <= bytes.count,
            bytes[place..<place + 4].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
        else { throw wrong("four hexadecimal digits") }
        place += 4
        return code
    }
}
