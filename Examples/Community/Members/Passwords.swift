import Crypto
import Foundation
import _CryptoExtras

/// Passwords, as scrypt keeps them: `scrypt$16384$SALT$KEY`.
enum Passwords {
    /// About 16 MiB and some tens of milliseconds for each try.
    private static let rounds = 16_384
    static let shortest = 8
    static let longest = 200
    /// What no password matches. To check one against it takes as long as against any other.
    static let none = "scrypt$\(rounds)$\(String(repeating: "0", count: 32))$\(String(repeating: "-", count: 64))"

    static func hash(_ password: String, salt: [UInt8] = Secret.random(16)) throws -> String {
        "scrypt$\(rounds)$\(salt.hexadecimal)$\(try key(password, salt, rounds).hexadecimal)"
    }

    static func matches(_ password: String, _ stored: String) -> Bool {
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "scrypt", let rounds = Int(parts[1]), (2...65_536).contains(rounds),
            password.utf8.count <= longest, let salt = bytes(parts[2]),
            let key = try? key(password, salt, rounds)
        else { return false }
        return Secret.isEqual(key.hexadecimal, String(parts[3]))
    }

    private static func key(_ password: String, _ salt: [UInt8], _ rounds: Int) throws -> [UInt8] {
        try KDF.Scrypt.deriveKey(
            from: Data(password.utf8), salt: Data(salt), outputByteCount: 32, rounds: rounds, blockSize: 8,
            parallelism: 1
        ).withUnsafeBytes { Array($0) }
    }

    private static func bytes(_ hexadecimal: Substring) -> [UInt8]? {
        let digits = Array(hexadecimal)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
