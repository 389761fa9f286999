import StintCore
import StintPlatform

/// A mail server that takes mail by SMTP, with the credentials for it.
///
/// No description, error, log line or job shows its password.
public struct SMTPServer: Sendable {
    /// How a connection is encrypted.
    public enum Security: String, Sendable, Hashable {
        /// TLS from the first byte, usually on port 465.
        case implicit
        /// STARTTLS: a server that does not offer it is not used.
        case startTLS = "starttls"
        /// Not at all: for servers on the same machine.
        case none
    }

    public let host: String
    public let port: Int
    public let security: Security
    public let user: String?
    let password: String?
    /// The name that the server is greeted with; `nil`: the one of this machine.
    public var greetingName: String?
    /// A file with the certificates of authorities, in PEM; `nil`: those of the system.
    public var certificates: String?
    /// How long a connection may take until the server is ready for mail.
    public var connectTimeout: Duration = .seconds(30)
    /// How long the server may take for an answer, and how long no byte of a message may move.
    public var responseTimeout: Duration = .seconds(120)
    /// How long one message may take altogether.
    public var messageTimeout: Duration = .seconds(600)

    /// - Parameters:
    ///   - url: `smtp://host:587`, `smtps://user:password@host` or `smtp://localhost?security=none`. User and password are
    ///     percent-encoded. `smtp` means STARTTLS, except to this machine itself, where it means none. Options:
    ///     `security=starttls|none`, `certificates=FILE`, `name=GREETING-NAME`.
    ///   - passwordFile: A file with the password on its first line, in place of one in the URL.
    /// - Throws: ``StintError`` with the code `invalidInput`, which does not show the URL's credentials.
    public init(_ url: String, passwordFile: String? = nil) throws {
        let parts = try SMTPURL(url)
        host = parts.host
        user = parts.user
        var password = parts.password
        if let passwordFile {
            guard password == nil else {
                throw StintError.invalidInput(
                    "the mail server's address has a password, and a file with one is given too: use one of them")
            }
            password = try Self.readPassword(passwordFile)
        }
        guard (user == nil) == (password == nil) else {
            throw StintError.invalidInput(
                "the mail server's address must have both a user and a password, or neither: smtps://user:password@host, "
                    + "or give the password in a file")
        }
        self.password = password
        // A name such as 127.example.org is none.
        let isAddress = host.utf8.allSatisfy { $0 == 0x2E || $0 == 0x3A || (0x30...0x39).contains($0) }
        let isLocal = host == "localhost" || isAddress && LoopbackAddress.contains(host)
        switch (parts.isImplicit, parts.options["security"]) {
        case (true, nil): security = .implicit
        case (false, nil): security = isLocal ? .none : .startTLS
        case (false, "starttls"?): security = .startTLS
        case (false, "none"?): security = .none
        case (true, _?):
            throw StintError.invalidInput("smtps:// is encrypted from the start: leave 'security' out")
        case (false, let other?):
            throw StintError.invalidInput("the security \(quoted(other)) is unknown: use starttls or none")
        }
        port = parts.port ?? (security == .implicit ? 465 : security == .none ? 25 : 587)
        certificates = parts.options["certificates"]
        if let name = parts.options["name"] {
            guard MailDomain.ascii(name) != nil else {
                throw StintError.invalidInput("the greeting name \(quoted(name)) is no name of a host")
            }
            greetingName = name
        }
        if let unknown = parts.options.keys.sorted().first(where: {
            !["security", "certificates", "name"].contains($0)
        }) {
            throw StintError.invalidInput(
                "the option \(quoted(unknown)) of the mail server's address is unknown: there are security, certificates "
                    + "and name")
        }
    }

    private static func readPassword(_ path: String) throws -> String {
        guard let bytes = SystemFile.bytes(of: path, limit: 4_096) else {
            throw StintError.invalidInput(
                "the file \(quoted(path)) with the mail server's password cannot be read: see whether it exists, and may be "
                    + "read by this user")
        }
        let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
        guard !line.isEmpty, let password = String(validating: line, as: UTF8.self) else {
            throw StintError.invalidInput("the file \(quoted(path)) has no password on its first line")
        }
        guard !line.contains(0) else {
            throw StintError.invalidInput("the password in the file \(quoted(path)) contains a NUL: remove it")
        }
        return password
    }
}

extension SMTPServer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `smtps://user@host:465`, without the password.
    public var description: String {
        let person = user.map { MailURL.escaped($0) + "@" } ?? ""
        return "\(security == .implicit ? "smtps" : "smtp")://\(person)\(host):\(port)"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["server": description]) }
}

/// The parts of a mail server's address.
private struct SMTPURL {
    let isImplicit: Bool
    let host: String
    let port: Int?
    var user: String?
    var password: String?
    var options: [String: String] = [:]

    init(_ url: String) throws {
        let expected = "write it as smtps://user:password@host, or smtp://host:587"
        func reject(_ why: String) -> StintError { .invalidInput("the mail server's address \(why): \(expected)") }
        var rest: Substring
        if url.hasPrefix("smtps://") {
            isImplicit = true
            rest = url.dropFirst(8)
        } else if url.hasPrefix("smtp://") {
            isImplicit = false
            rest = url.dropFirst(7)
        } else {
            throw reject("does not begin with smtp:// or smtps://")
        }
        if let mark = rest.firstIndex(of: "?") {
            for option in rest[rest.index(after: mark)...].split(separator: "&") {
                let pair = option.split(separator: "=", maxSplits: 1).map { MailURL.unescaped(String($0)) }
                guard pair.count == 2, let name = pair[0], let value = pair[1] else {
                    throw reject("has an option without a value")
                }
                options[name] = value
            }
            rest = rest[..<mark]
        }
        if rest.last == "/" { rest = rest.dropLast() }
        if let at = rest.lastIndex(of: "@") {
            let pair = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                .map { MailURL.unescaped(String($0)) }
            guard let first = pair[0], !first.isEmpty, pair.count == 1 || pair[1]?.isEmpty == false,
                pair.allSatisfy({ !($0 ?? "").unicodeScalars.contains(where: \.isControl) })
            else { throw reject("has credentials that cannot be read; encode special letters as in %40") }
            user = first
            password = pair.count == 2 ? pair[1] : nil
            rest = rest[rest.index(after: at)...]
        }
        var port: Int?
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { throw reject("has no end of its IPv6 address") }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            guard !host.isEmpty, host.utf8.allSatisfy({ $0 == 0x3A || $0 == 0x2E || $0 > 0x2F && $0 < 0x67 }) else {
                throw reject("has no IPv6 address in its brackets")
            }
        } else {
            let name = rest.prefix { $0 != ":" }
            guard let ascii = MailDomain.ascii(String(name)), ascii.first != "[" else {
                throw reject("has no name of a host")
            }
            host = ascii
            rest = rest.dropFirst(name.count)
        }
        if rest.first == ":" {
            guard let number = Int(rest.dropFirst()), (1...65_535).contains(number) else {
                throw reject("has a port that is none")
            }
            port = number
        } else if !rest.isEmpty {
            throw reject("has something after the host")
        }
        self.port = port
    }
}
