import Foundation
import StintCore
import StintMail
import Testing

@testable import StintInbound

@Suite("Signed bounce addresses")
struct BounceAddressTests {
    private static let key: [UInt8] = Array(repeating: 8, count: 32)
    private static let former: [UInt8] = Array(repeating: 7, count: 32)

    private static func bounces(_ keys: [[UInt8]] = [key]) throws -> BounceAddresses {
        try BounceAddresses(base: "Bounce@Example.org", keys: keys)
    }

    private static func report(to address: String, about recipient: String = "eve@example.net") throws -> InboundMail {
        let report = MailKindTests.report.replacing("eve@example.net", with: recipient)
        var mail = try CharsetTests.mail(Array(report.utf8), sender: "")
        mail.recipients = [address]
        return mail
    }

    @Test("say to whom a mail was sent, in any case, until they expire")
    func round() throws {
        let bounces = try Self.bounces()
        let plain = try bounces.address(for: "Ada@Example.net")
        #expect(plain.hasPrefix("bounce+ada=example.net.") && plain.hasSuffix("@example.org"))
        for text in [plain, plain.uppercased(), "<\(plain)>"] {
            #expect(bounces.read(text) == .recipient("ada@example.net"))
        }
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let brief = try bounces.address(for: "o'hara+x=y@example.net", expires: now)
        let midnight = Date(timeIntervalSince1970: (1_800_000_000 / 86_400).rounded(.down) * 86_400 + 86_400)
        #expect(bounces.read(brief, at: now) == .recipient("o'hara+x=y@example.net"))
        #expect(bounces.read(brief, at: midnight - 1) == .recipient("o'hara+x=y@example.net"))
        #expect(bounces.read(brief, at: midnight) == .expired("o'hara+x=y@example.net"))
        #expect(bounces.read("bounce@example.org") == .other && bounces.read("a@example.org") == .other)
    }

    @Test("are forged if a letter is changed, or if no key, another key or another base has signed")
    func forged() throws {
        let bounces = try Self.bounces()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        for expires in [nil, now] {
            let address = Array(try bounces.address(for: "ada@example.net", expires: expires).utf8)
            for index in "bounce+".utf8.count..<address.firstIndex(of: UInt8(ascii: "@"))! {
                var other = address
                other[index] = other[index] == UInt8(ascii: "b") ? UInt8(ascii: "c") : UInt8(ascii: "b")
                let reading = bounces.read(String(decoding: other, as: UTF8.self), at: now)
                #expect(reading == .forged, "at \(index)")
            }
        }
        for other in [
            try BounceAddresses(base: "bounce@example.org", keys: [Self.former]).address(for: "ada@example.net"),
            try BounceAddresses(base: "other@example.org", keys: [Self.key]).address(for: "ada@example.net")
                .replacing("other+", with: "bounce+"),
            try ReplyAddresses(domain: "example.org", keys: [Self.key], prefix: "bounce").address(
                for: "ada-example-net"),
            "bounce+ada=example.net@example.org", "bounce+@example.org", "bounce+.@example.org",
            "bounce+.a@example.org",
            "bounce+=.aaaaaaaaaaaa@example.org", "bounce+ada=example.net.aaaaaaaaaaaazzzzzzzzz@example.org",
        ] {
            #expect(bounces.read(other, reported: ["ada@example.net"]) == .forged, "\(other)")
        }
        let old = try Self.bounces([Self.former]).address(for: "ada@example.net")
        #expect(try Self.bounces([Self.key, Self.former]).read(old) == .recipient("ada@example.net"))
    }

    @Test(
        "of a recipient that does not fit is right for a report about that recipient only",
        arguments: [
            "a.very.long.name.of.a.person@mail.of.a.long.example.net", "größe@example.net", "\"a b\"@example.net",
        ])
    func unnamed(recipient: String) throws {
        let bounces = try Self.bounces()
        let address = try bounces.address(for: recipient, expires: Date())
        #expect(try MailAddress(address).localPart.utf8.count <= 64 && address.hasPrefix("bounce+."))
        #expect(bounces.read(address, reported: ["x@example.net", recipient]) == .recipient(recipient))
        #expect(bounces.read(address, reported: ["eve@example.net"]) == .forged && bounces.read(address) == .forged)
        let mail = try Self.report(to: address, about: recipient)
        #expect(mail.bouncedRecipients(of: bounces).map(\.recipient) == [recipient])
    }

    @Test("make a bounce count only for a mail that was sent, whatever its report says")
    func counted() throws {
        let bounces = try Self.bounces()
        let mail = try Self.report(to: try bounces.address(for: "ada@example.net", expires: Date()))
        #expect(
            mail.bouncedRecipients(of: bounces) == [
                Bounce(
                    recipient: "ada@example.net", action: "failed", status: "5.1.1",
                    diagnostic: "550 5.1.1 <eve@example.net>: Recipient address rejected")
            ])
        #expect(mail.bouncedRecipients(of: bounces, at: Date() + 2 * 86_400).isEmpty)
        for forged in ["bounce+eve=example.net@example.org", "bounce@example.org", "shop@example.org"] {
            #expect(try Self.report(to: forged).bouncedRecipients(of: bounces).isEmpty, "\(forged)")
        }
        var person = mail
        person.kind = .person
        #expect(person.bouncedRecipients(of: bounces).isEmpty)
    }

    @Test("are the senders of StintMail's envelopes, and no key is in a job")
    func sent() throws {
        let bounces = try Self.bounces()
        var message = MailMessage(
            from: "shop@example.org", to: ["Ada@example.net", "bob@example.net"], subject: "Hi", text: "x")
        message.bounces = try .each(of: message.recipients) { try MailAddress(bounces.address(for: $0.address)) }
        let jobs = try message.jobs(in: "mail")
        #expect(jobs.count == 2)
        for (job, recipient) in zip(jobs, ["ada@example.net", "bob@example.net"]) {
            let sender = try #require(job.options.headers[MailEnvelope.senderHeader])
            #expect(bounces.read(sender) == .recipient(recipient))
        }
        let decoded = try JSONDecoder().decode(MailMessage.self, from: try JSONEncoder().encode(message))
        #expect(try decoded.envelopes() == message.envelopes() && decoded.envelopes().count == 2)
        #expect(decoded == message)
        // No mail goes to a recipient without one.
        message.to.append("eve@example.net")
        let error = #expect(throws: StintError.self) { try message.jobs(in: "mail") }
        #expect(error?.code == .invalidInput && error?.description.contains("eve@example.net") == true)
    }

    @Test("refuse what they cannot be made of")
    func refused() throws {
        for base in ["", "bounce", "a+b@example.org", "@example.org", "a@b@c", "bounce@", "ä@example.org"] {
            #expect(throws: StintError.self, "\(base)") { try BounceAddresses(base: base, keys: [Self.key]) }
        }
        #expect(throws: StintError.self) { try BounceAddresses(base: "bounce@example.org", keys: [[1]]) }
        for recipient in ["", "ada", "@example.net", "ada@"] {
            #expect(throws: StintError.self, "\(recipient)") { try Self.bounces().address(for: recipient) }
        }
    }
}
