import Crypto
import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The users of a server and their tokens.
///
/// A file has a line for each: `NAME ROLE HASH`. The hash is `sha256:` and 64 hexadecimal digits, of a token of 256
/// random bits, which need no slower hash. A hash of `-` is a user that only a trusted proxy may name. Empty lines and
/// those that begin with `#` are ignored.
public struct Credentials: Sendable {
    struct Entry: Sendable {
        let user: WebUser
        /// `nil`: no token.
        let hash: [UInt8]?
    }

    private let entries: [Entry]

    init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// Reads a file that only its owner can read and write.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`; it names the file and the line.
    public init(file path: String) throws {
        try Self.checkPermissions(path)
        guard let data = FileManager.default.contents(atPath: path), let text = String(bytes: data, encoding: .utf8)
        else {
            throw StintError.invalidInput("the file with the credentials \(quoted(path)) cannot be read as UTF-8 text")
        }
        try self.init(text: text, of: path)
    }

    init(text: String, of path: String) throws {
        var entries: [Entry] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            func wrong(_ what: String) -> StintError {
                .invalidInput("\(quoted(path)), line \(index + 1): \(what)")
            }
            guard words.count == 3 else {
                throw wrong(
                    "it has \(words.count) words; expected NAME ROLE HASH, as `stint serve --new-token` writes it")
            }
            guard let role = Role(rawValue: words[1]) else {
                throw wrong("there is no role \(quoted(words[1])); expected view, operate or admin")
            }
            guard !entries.contains(where: { $0.user.name == first }) else {
                throw wrong("there is a user \(quoted(first)) already; a name may be there once")
            }
            var hash: [UInt8]?
            if words[2] != "-" {
                let prefix = "sha256:"
                guard words[2].hasPrefix(prefix), let bytes = HexText.bytes(words[2].dropFirst(prefix.count)),
                    bytes.count == SHA256.byteCount
                else {
                    throw wrong("the hash of \(quoted(first)) must be sha256: and 64 hexadecimal digits, or -")
                }
                hash = bytes
            }
            entries.append(Entry(user: WebUser(name: first, role: role), hash: hash))
        }
        guard !entries.isEmpty else {
            throw StintError.invalidInput(
                "\(quoted(path)) names no user; add one with `stint serve --new-token NAME --role ROLE --auth-file \(path)`"
            )
        }
        self.entries = entries
    }

    /// The user whose token this is.
    func user(token: String) -> WebUser? {
        let hash = Self.hash(of: token)
        // All of them are compared, and each in the same time whatever its first different byte is.
        var found: WebUser?
        for entry in entries {
            if let known = entry.hash, ConstantTime.isEqual(known, hash) { found = entry.user }
        }
        return found
    }

    func user(named name: String) -> WebUser? { entries.first { $0.user.name == name }?.user }

    // MARK: - Tokens

    /// A new token, and the line for the file.
    public static func newToken(for name: String, role: Role) throws -> (token: String, line: String) {
        guard !name.isEmpty, name.utf8.count <= 64, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), name.first != "#"
        else {
            throw StintError.invalidInput(
                "the user's name \(quoted(name)) must be 1 to 64 visible ASCII characters without spaces, and not begin with #"
            )
        }
        let token = "stint_" + newSecret()
        return (token, "\(name) \(role.rawValue) sha256:\(HexText.text(hash(of: token)))")
    }

    /// Adds a user's line to a file, which is made if there is none.
    public static func add(_ line: String, of name: String, to path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            let known = try? Credentials(file: path)
            guard known?.user(named: name) == nil else {
                throw StintError.invalidInput(
                    "\(quoted(path)) has a user \(quoted(name)) already; take that line out first, or choose another name"
                )
            }
            try checkPermissions(path)
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StintError.invalidInput("\(quoted(path)) cannot be written to: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array((line + "\n").utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw StintError.invalidInput("\(quoted(path)) cannot be written to: \(String(cString: strerror(errno)))")
        }
    }

    /// 256 random bits, in hexadecimal digits.
    static func newSecret() -> String {
        var generator = SystemRandomNumberGenerator()
        return HexText.text((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    static func hash(of token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    private static func checkPermissions(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw StintError.invalidInput(
                "there is no file with credentials at \(quoted(path)); `stint serve --new-token NAME --role ROLE --auth-file FILE` makes one"
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw StintError.invalidInput(
                "others may use the file with the credentials \(quoted(path)) (its mode is 0\(mode)); expected 0600: `chmod 600 \(path)`"
            )
        }
    }
}
