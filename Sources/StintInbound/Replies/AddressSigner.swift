import Crypto
import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Signs what an address says, in letters and digits that any mail system keeps but for their case.
struct AddressSigner: Sendable {
    private let keys: [SymmetricKey]
    private let purpose: String
    /// Letters and digits of 5 bits each.
    private let length: Int

    /// - Parameters:
    ///   - keys: The first signs; all verify, so that keys can be rotated.
    ///   - purpose: What is signed for one is not right for another.
    ///   - length: Of a signature, in letters and digits of 5 bits each.
    ///   - what: For messages, such as "reply addresses".
    /// - Throws: ``StintError`` with the code `invalidInput`.
    init(keys: [[UInt8]], purpose: String, length: Int, what: String) throws {
        guard !keys.isEmpty, keys.count <= 10, keys.allSatisfy({ $0.count >= 16 }) else {
            throw StintError.invalidInput("\(what) need 1 to 10 keys of 16 bytes or more each")
        }
        self.keys = keys.map { SymmetricKey(data: Data($0)) }
        self.purpose = purpose
        self.length = length
    }

    func signature(of text: String) -> String { String(decoding: signature(of: text, keys[0]), as: UTF8.self) }

    /// Whether one of the keys has signed the text. It takes the same time for any wrong signature of the right length.
    func isRight(_ signature: String, for text: String) -> Bool {
        let given = Array(signature.utf8)
        return keys.contains { ConstantTime.isEqual(self.signature(of: text, $0), given) }
    }

    private func signature(of text: String, _ key: SymmetricKey) -> [UInt8] {
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(purpose)\0\(text)".utf8), using: key)
        return Array(Base32.text(Array(code)).utf8.prefix(length))
    }
}
