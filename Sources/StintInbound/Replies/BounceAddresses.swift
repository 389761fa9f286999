import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes and reads bounce addresses that say, signed, to whom a mail was sent: `bounce+ada=example.net.k3…@example.org`.
///
///     let bounces = try BounceAddresses(base: "bounce@example.org", keys: [key])
///     message.bounces = try .each(of: message.recipients) { try MailAddress(bounces.address(for: $0.address)) }
///
/// Only who has got a mail, or carried it, knows its address. So a report that comes to one is about a mail that was sent,
/// and none can be forged for an address that no mail was sent to. Upper and lower case are the same.
public struct BounceAddresses: Sendable {
    /// What an address says.
    public enum Reading: Sendable, Hashable {
        /// The mail was sent to this address.
        case recipient(String)
        /// It was, and the time of the bounce address is over.
        case expired(String)
        /// It looks like one of these addresses, and no key has signed it, or the report is about another recipient.
        case forged
        /// It is another address.
        case other
    }

    /// Of letters and digits; each has 5 bits.
    private static let signatureLength = 12
    /// The longest part of an address before its `@` (RFC 5321, 4.5.3.1.1).
    private static let longestLocalPart = 64
    private static let secondsOfDay: TimeInterval = 86_400

    /// With the `+`, in lower case.
    private let prefix: String
    /// With the `@`, in lower case.
    private let end: String
    private let signer: AddressSigner

    /// - Parameters:
    ///   - base: The address without what is added, `bounce@example.org`. The service must receive mails for all that begin
    ///     with `bounce+`.
    ///   - keys: Each of 16 bytes or more. The first signs; all verify, so that keys can be rotated.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(base: String, keys: [[UInt8]]) throws {
        let parts = base.lowercased().split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...20).contains(parts[0].utf8.count), (1...180).contains(parts[1].utf8.count),
            parts.allSatisfy({ $0.utf8.allSatisfy(Self.isPlain) })
        else {
            throw StintError.invalidInput(
                "the base \(quoted(base)) of bounce addresses is not allowed: write it like bounce@example.org, with up to 20 "
                    + "letters, digits, '.', '-' and '_' before the '@'")
        }
        prefix = parts[0] + "+"
        end = "@" + parts[1]
        signer = try AddressSigner(
            keys: keys, purpose: "stint bounce 1\0\(parts[0])\0\(parts[1])", length: Self.signatureLength,
            what: "bounce addresses")
    }

    /// - Parameters:
    ///   - recipient: To whom the mail is sent, `ada@example.net`. One that does not fit, or has more than letters, digits
    ///     and usual signs, is signed but not named: its bounce counts if the report names it.
    ///   - expires: Until the end of which day, in UTC, reports count; `nil`: always. Servers try for up to a week.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func address(for recipient: String, expires: Date? = nil) throws -> String {
        let recipient = recipient.lowercased()
        guard let at = recipient.lastIndex(of: "@"), at != recipient.startIndex, recipient.last != "@" else {
            throw StintError.invalidInput("\(quoted(recipient)) is no address that a mail can be sent to")
        }
        var day = ""
        if let expires {
            let days = (expires.timeIntervalSince1970 / Self.secondsOfDay).rounded(.down)
            guard days >= 0, days < 1_000_000 else {
                throw StintError.invalidInput(
                    "the bounce address would expire at \(expires); expected a time after 1970")
            }
            day = String(Int(days), radix: 36)
        }
        let name = "\(recipient[..<at])=\(recipient[recipient.index(after: at)...])"
        let added = "." + signer.signature(of: "\(day)\0\(recipient)") + day
        let isNamed =
            name.utf8.allSatisfy { Self.isPlain($0) || "!#$&'*+/=?^{}~".utf8.contains($0) }
            && prefix.utf8.count + name.utf8.count + added.utf8.count <= Self.longestLocalPart
        return prefix + (isNamed ? name : "") + added + end
    }

    /// Whether this is one of these addresses, right or not: a mail from there is a loop.
    public func isOwn(_ address: String) -> Bool { read(address) != .other }

    /// - Parameters:
    ///   - address: To which a report came, with or without angle brackets.
    ///   - reported: The recipients that the report names, for addresses that name none.
    public func read(_ address: String, reported: [String] = [], at now: Date = Date()) -> Reading {
        let address = AddressList.withoutBrackets(address).lowercased()
        guard address.utf8.count <= 320, address.hasPrefix(prefix), address.hasSuffix(end) else { return .other }
        let local = address.dropFirst(prefix.count).dropLast(end.count)
        guard let dot = local.lastIndex(of: ".") else { return .forged }
        let added = local[local.index(after: dot)...]
        let (signature, day) = (String(added.prefix(Self.signatureLength)), added.dropFirst(Self.signatureLength))
        var recipients = reported.map { $0.lowercased() }
        if dot != local.startIndex {
            guard let equals = local[..<dot].lastIndex(of: "=") else { return .forged }
            recipients = ["\(local[..<equals])@\(local[local.index(after: equals)..<dot])"]
        }
        guard let recipient = recipients.first(where: { signer.isRight(signature, for: "\(day)\0\($0)") }) else {
            return .forged
        }
        guard !day.isEmpty else { return .recipient(recipient) }
        guard day.utf8.count <= 4, let days = Int(day, radix: 36) else { return .forged }
        return now.timeIntervalSince1970 < Double(days + 1) * Self.secondsOfDay
            ? .recipient(recipient) : .expired(recipient)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "-._".utf8.contains(byte)
    }
}

extension InboundMail {
    /// For whom a mail that was sent has come back: only what a signed bounce address says counts, and of the report only its
    /// reason. Empty for a report that came to any other address, or to one whose time is over.
    public func bouncedRecipients(of addresses: BounceAddresses, at now: Date = Date()) -> [Bounce] {
        guard kind == .bounce else { return [] }
        for address in recipients {
            guard case .recipient(let recipient) = addresses.read(address, reported: bounces.map(\.recipient), at: now)
            else { continue }
            var bounce =
                bounces.first { $0.recipient.lowercased() == recipient } ?? bounces.first
                ?? Bounce(recipient: recipient)
            bounce.recipient = recipient
            return [bounce]
        }
        return []
    }
}
