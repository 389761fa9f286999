import Crypto
import Foundation

/// The site's secret, from which the tokens of forms, links and reply addresses are made. It is in a file of the data
/// folder that only this user can read.
struct Secret: Sendable {
    let bytes: [UInt8]

    private var key: SymmetricKey { SymmetricKey(data: bytes) }

    init(folder: String) throws {
        let path = folder + "/secret"
        if let known = FileManager.default.contents(atPath: path), known.count == 32 {
            bytes = Array(known)
            return
        }
        bytes = Self.random(32)
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        else { throw SiteProblem("the file '\(path)' cannot be written: check who owns its folder, and the disk") }
    }

    /// What only this site can say of a text. `purpose` keeps a token of one use from being taken for another's.
    func token(for text: String, purpose: String) -> String {
        HMAC<SHA256>.authenticationCode(for: Data("\(purpose)\u{0}\(text)".utf8), using: key).prefix(20).hexadecimal
    }

    func isToken(_ token: String, for text: String, purpose: String) -> Bool {
        Self.isEqual(token, self.token(for: text, purpose: purpose))
    }

    /// Compares in a time that depends on the lengths only.
    static func isEqual(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// What is stored of a token that its owner keeps.
    static func digest(of token: String) -> String { SHA256.hash(data: Data(token.utf8)).hexadecimal }

    static func newToken() -> String { random(24).hexadecimal }

    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

extension Sequence<UInt8> {
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// What keeps the site from starting, in words for the one who starts it.
struct SiteProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
