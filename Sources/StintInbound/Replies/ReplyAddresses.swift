import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes and reads addresses that say, signed, what a reply belongs to: `reply+post-17-42.n5xw…@example.org`.
///
///     let replies = try ReplyAddresses(domain: "reply.example.org", keys: [key])
///     message.replyTo = [try MailAddress(replies.address(for: "post-17-\(member.id)"))]
///
/// Mail systems change the case of addresses, so it does not count.
public struct ReplyAddresses: Sendable {
    /// What an address says.
    public enum Reading: Sendable, Hashable {
        /// What it was made for.
        case target(String)
        /// It was made for this, and its time is over.
        case expired(String)
        /// It looks like one of these addresses, and no key has signed it.
        case forged
        /// It is another address.
        case other
    }

    /// The longest text that an address is made for, in bytes, beside one that expires: 7 fewer.
    public static let maximumTargetBytes = 40
    /// Of letters and digits; each has 5 bits.
    private static let signatureLength = 16

    private let prefix: String
    private let domain: String
    private let signer: AddressSigner

    /// - Parameters:
    ///   - domain: For which the service receives mails.
    ///   - keys: Each of 16 bytes or more. The first signs; all verify, so that keys can be rotated.
    ///   - prefix: What the address begins with, before the `+`: up to 10 small letters and digits.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(domain: String, keys: [[UInt8]], prefix: String = "reply") throws {
        guard (1...10).contains(prefix.utf8.count), prefix.utf8.allSatisfy(Self.isPlain) else {
            throw StintError.invalidInput(
                "the prefix \(quoted(prefix)) of reply addresses is not allowed: use 1 to 10 small letters and digits")
        }
        guard (1...180).contains(domain.utf8.count),
            domain.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") })
        else {
            throw StintError.invalidInput("the domain \(quoted(domain)) of reply addresses is none")
        }
        self.prefix = prefix
        self.domain = domain.lowercased()
        signer = try AddressSigner(
            keys: keys, purpose: "stint reply 1\0\(prefix)\0\(domain.lowercased())", length: Self.signatureLength,
            what: "reply addresses")
    }

    /// - Parameters:
    ///   - target: What a reply belongs to, and whose it is, such as `post-17-42`. It is readable. Small letters, digits,
    ///     `-` and `_`.
    ///   - expires: Until when replies are taken, to the minute; `nil`: always.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func address(for target: String, expires: Date? = nil) throws -> String {
        let most = Self.maximumTargetBytes - (expires == nil ? 0 : 7)
        guard (1...most).contains(target.utf8.count), target.utf8.allSatisfy(Self.isTarget) else {
            throw StintError.invalidInput(
                "\(quoted(target)) cannot be in a reply address: use 1 to \(most) small letters, digits, '-' and '_'")
        }
        var text = target
        if let expires {
            let minutes = (expires.timeIntervalSince1970 / 60).rounded(.up)
            guard minutes > 0, minutes < 2_000_000_000 else {
                throw StintError.invalidInput(
                    "the reply address would expire at \(expires); expected a time after 1970")
            }
            text += "." + String(Int64(minutes), radix: 36)
        }
        return "\(prefix)+\(text).\(signer.signature(of: text))@\(domain)"
    }

    /// - Parameter address: With or without angle brackets.
    public func read(_ address: String, at now: Date = Date()) -> Reading {
        let address = AddressList.withoutBrackets(address).lowercased()
        guard address.utf8.count <= 320, address.hasPrefix(prefix + "+"), address.hasSuffix("@" + domain) else {
            return .other
        }
        let local = address.dropFirst(prefix.count + 1).dropLast(domain.count + 1)
        let parts = local.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3 else { return .forged }
        let text = parts.dropLast().joined(separator: ".")
        guard signer.isRight(String(parts[parts.count - 1]), for: text) else { return .forged }
        let target = String(parts[0])
        guard parts.count == 3 else { return .target(target) }
        guard let minutes = Int64(parts[1], radix: 36) else { return .forged }
        return Double(minutes) * 60 >= now.timeIntervalSince1970 ? .target(target) : .expired(target)
    }

    /// What the first of a mail's addresses says that is one of these: the envelope's recipients, then `To` and `Cc`.
    public func read(_ mail: InboundMail, at now: Date = Date()) -> Reading {
        var result = Reading.other
        for address in mail.recipients + (mail.to + mail.cc).map(\.address) {
            switch read(address, at: now) {
            case .target(let target): return .target(target)
            case .other: continue
            case .forged: if result == .other { result = .forged }
            case .expired(let target): result = .expired(target)
            }
        }
        return result
    }

    /// Whether this is one of these addresses, right or not: a mail from there is a loop.
    public func isOwn(_ address: String) -> Bool { read(address) != .other }

    private static func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }

    private static func isTarget(_ byte: UInt8) -> Bool {
        isPlain(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
