import StintCore

/// An address of mail, with the name of a person if it has one. A value of this type is valid.
///
/// The domain is kept in ASCII and in lower case, as mail servers know it: `post@bücher.example` becomes
/// `post@xn--bcher-kva.example`. The part before the `@` stays as it is. With letters outside ASCII there, only servers
/// with SMTPUTF8 can take the address.
public struct MailAddress: Hashable, Sendable {
    /// The longest part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
    public static let maximumLocalPartBytes = 64
    /// The longest address, in bytes: a path of 256 without its angle brackets (RFC 5321, 4.5.3.1.3).
    public static let maximumAddressBytes = 254
    /// The longest name of a person, in bytes.
    public static let maximumNameBytes = 1_000

    /// The name of the person, for people.
    public let name: String?
    /// Before the `@`, with the quotes if it has some.
    public let localPart: String
    /// After the `@`, in ASCII and lower case, or an address literal such as `[192.0.2.1]`. A good name for the group
    /// of a job.
    public let domain: String

    /// `localPart@domain`
    public var address: String { "\(localPart)@\(domain)" }
    /// Whether only a server with SMTPUTF8 (RFC 6531) can take it.
    public var needsSMTPUTF8: Bool { !localPart.utf8.allSatisfy { $0 < 0x80 } }

    /// - Parameters:
    ///   - text: `ada@example.org`, `Ada <ada@example.org>` or `"Lovelace, Ada" <ada@example.org>`.
    ///   - name: The name, if `text` has none.
    /// - Throws: ``StintError`` with the code `invalidInput` that says which rule the address breaks.
    public init(_ text: String, name: String? = nil) throws {
        let parts = try Self.split(text)
        let name = name ?? parts.name
        if let name {
            try MailText.check(name, "the name \(quoted(name)) in an address")
            guard name.utf8.count <= Self.maximumNameBytes else {
                throw StintError.invalidInput(
                    "the name \(quoted(name)) in an address has \(name.utf8.count) bytes; at most "
                        + "\(Self.maximumNameBytes) are allowed")
            }
        }
        func reject(_ why: String) -> StintError { .invalidInput("the address \(quoted(parts.address)) \(why)") }
        guard let at = parts.address.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            throw reject("has no '@': write it as name@example.org")
        }
        let local = String(parts.address[..<at])
        let domain = String(parts.address[parts.address.utf8.index(after: at)...])
        guard Self.isLocalPart(local) else {
            throw reject(
                "has something before the '@' that is not allowed: use letters, digits and !#$%&'*+-/=?^_`{|}~, with single "
                    + "dots between them, or put it into double quotes")
        }
        guard local.utf8.count <= Self.maximumLocalPartBytes else {
            throw reject(
                "has \(local.utf8.count) bytes before the '@'; at most \(Self.maximumLocalPartBytes) are allowed")
        }
        guard let ascii = MailDomain.ascii(domain) else {
            throw reject("has a domain that is none: write it as in name@example.org, or as [192.0.2.1]")
        }
        guard local.utf8.count + 1 + ascii.utf8.count <= Self.maximumAddressBytes else {
            throw reject("is too long: at most \(Self.maximumAddressBytes) bytes are allowed")
        }
        self.name = name.flatMap { $0.isEmpty ? nil : $0 }
        localPart = local
        self.domain = ascii
    }

    /// Takes the name, if there is one, off the address.
    private static func split(_ text: String) throws -> (name: String?, address: String) {
        if text.utf8.allSatisfy({ $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: ".") || isAtom($0) }) {
            return (nil, text)
        }
        let scalars = trimmed(text.unicodeScalars[...])
        guard scalars.last == ">", let open = scalars.lastIndex(of: "<") else { return (nil, String(scalars)) }
        let address = String(scalars[scalars.index(after: open)...].dropLast())
        var name = trimmed(scalars[..<open])
        guard name.first == "\"", name.last == "\"", name.count > 1 else {
            return (name.isEmpty ? nil : String(name), address)
        }
        name = name.dropFirst().dropLast()
        var plain = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in name {
            if scalar == "\\", !isEscaped {
                isEscaped = true
            } else {
                plain.append(scalar)
                isEscaped = false
            }
        }
        return (plain.isEmpty ? nil : String(plain), address)
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return text
    }

    private static func isLocalPart(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        if scalars.first == "\"" {
            guard scalars.count > 2, scalars.last == "\"" else { return false }
            var isEscaped = false
            for scalar in scalars.dropFirst().dropLast() {
                guard !scalar.isControl else { return false }
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    return false
                }
            }
            return !isEscaped
        }
        var previous = UInt8(ascii: ".")
        // Most are of ASCII.
        let isPlain = text.utf8.allSatisfy { byte in
            defer { previous = byte }
            return isAtom(byte) || byte == UInt8(ascii: ".") && previous != byte
        }
        if isPlain, previous != UInt8(ascii: ".") { return true }
        let atoms = scalars.split(separator: ".", omittingEmptySubsequences: false)
        return atoms.allSatisfy { !$0.isEmpty && $0.allSatisfy(isAtom) }
    }

    static func isAtom(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return !scalar.isControl && !scalar.properties.isWhitespace }
        return isAtom(UInt8(scalar.value))
    }

    /// The same for a byte of ASCII; `false` for others.
    static func isAtom(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        // !#$%&'*+-/=?^_`{|}~
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2F, 0x3D, 0x3F, 0x5E...0x60, 0x7B...0x7E: true
        default: false
        }
    }
}

extension MailAddress: CustomStringConvertible {
    /// `"Ada" <ada@example.org>`, which ``init(_:name:)`` reads again.
    public var description: String {
        guard let name else { return address }
        return "\(MailText.inQuotes(name)) <\(address)>"
    }
}

/// A programmer's own address; what comes from outside goes to ``init(_:name:)``.
extension MailAddress: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        do { try self.init(value) } catch { preconditionFailure("\(error)") }
    }
}

/// In JSON an address is its text, as in `"Ada <ada@example.org>"`.
extension MailAddress: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
