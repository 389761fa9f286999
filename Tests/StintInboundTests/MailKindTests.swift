import Foundation
import StintCore
import StintMail
import Testing

@testable import StintInbound

@Suite("Mails of programs")
struct MailKindTests {
    private static func kind(_ header: String, sender: String? = "ada@example.net") throws -> InboundMail.Kind {
        try CharsetTests.mail(Array("From: Ada <ada@example.net>\r\n\(header)\r\n\r\nHello\r\n".utf8), sender: sender)
            .kind
    }

    @Test(
        "are known by their headers",
        arguments: [
            "Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated (rejected)",
            "auto-submitted: AUTO-NOTIFIED",
            "Precedence: bulk", "Precedence: auto_reply", "X-Autoreply: yes", "X-Autorespond: x",
            "List-Id: <list.example.org>",
            "List-Unsubscribe: <https://example.org/>", "X-Auto-Response-Suppress: All",
            "Subject: Out of Office: Re: hello",
            "Subject: Automatische Antwort: Hallo", "Subject: =?utf-8?Q?R=C3=A9ponse_automatique_=3A_x?=",
            "Subject: 自動返信: x",
            "Return-Path: <>",
            "Content-Type: multipart/report; report-type=disposition-notification",
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
        ])
    func automatic(header: String) throws {
        #expect(try Self.kind(header) == .automatic)
    }

    @Test("without a sender of the envelope are no person's")
    func noSender() throws {
        #expect(try Self.kind("Subject: hello", sender: "") == .automatic)
        #expect(try Self.kind("Subject: hello", sender: "<>") == .automatic)
        #expect(try Self.kind("Subject: hello", sender: nil) == .person)
    }

    @Test(
        "are not confused with those of people",
        arguments: [
            "Subject: Re: Out of office", "Auto-Submitted: no", "Precedence: first-class", "X-Priority: 1",
            "Subject: automatic",
        ])
    func person(header: String) throws {
        #expect(try Self.kind(header) == .person)
    }

    static let report =
        "From: Mail Delivery <MAILER-DAEMON@mx.example.com>\r\nTo: bounce+eve=example.net@example.org\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt did not work.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\nOriginal-Recipient: rfc822;eve@example.net\r\nFinal-Recipient: rfc822;eve@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <eve@example.net>:\r\n  Recipient address rejected\r\n\r\nFinal-Recipient: rfc822; bob@example.net\r\nAction: delayed\r\nStatus: 4.4.1\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: shop@example.org\r\nSubject: Offer\r\n\r\nBuy!\r\n--b--\r\n"

    @Test("that report failed deliveries say for whom and why")
    func bounces() throws {
        let mail = try CharsetTests.mail(Array(Self.report.utf8), sender: "")
        #expect(mail.kind == .bounce)
        #expect(
            mail.bounces == [
                Bounce(
                    recipient: "eve@example.net", action: "failed", status: "5.1.1",
                    diagnostic: "550 5.1.1 <eve@example.net>: Recipient address rejected"),
                Bounce(recipient: "bob@example.net", action: "delayed", status: "4.4.1"),
            ])
        #expect(mail.bounces.map(\.isPermanent) == [true, false] && mail.replyText == "It did not work.")
        #expect(mail.isLoop())
    }

    @Test("give fields of reports on one line, so that none becomes a header where it is written")
    func lineBreaks() throws {
        let breaks = ["\r", "\r\n ", "\n ", "\u{0B}", "\u{1B}", "\0"]
        for sign in breaks {
            let fields =
                "Final-Recipient: rfc822; eve\(sign)Bcc: x@example.net\r\nAction: failed\(sign)X: y\r\nStatus: 5.1.1\r\n"
                + "Diagnostic-Code: smtp; 550\(sign)Subject: z\r\n"
            let report = Self.report.replacing("Original-Recipient: rfc822;eve@example.net\r\n", with: "\(fields)\r\n")
            let mail = try CharsetTests.mail(Array(report.utf8), sender: "")
            let texts = mail.bounces.flatMap { [$0.recipient, $0.action, $0.status, $0.diagnostic].compactMap(\.self) }
            #expect(
                mail.bounces.first?.diagnostic?.hasPrefix("550") == true && mail.bounces.count == 3, "\(mail.bounces)")
            #expect(texts.allSatisfy { !$0.unicodeScalars.contains { $0.value < 0x20 } }, "\(texts)")
        }
        let header = try CharsetTests.mail(
            Array("From: mailer-daemon@mx.example.com\r\nX-Failed-Recipients: a@example.net\r\n\tBcc: b\r\n\r\nx".utf8))
        #expect(header.bounces.allSatisfy { !$0.recipient.contains("\n") && !$0.recipient.contains("\r") })
    }

    @Test("that report otherwise are known too")
    func otherBounces() throws {
        let exim = try CharsetTests.mail(
            Array(
                "From: Mail Delivery System <Mailer-Daemon@mx.example.com>\r\nX-Failed-Recipients: eve@example.net, bob@example.net\r\n\r\nx"
                    .utf8), sender: nil)
        #expect(exim.kind == .bounce && exim.bounces.map(\.recipient) == ["eve@example.net", "bob@example.net"])
        let text = try CharsetTests.mail(
            Array(
                "From: mailer-daemon@mx.example.com\r\n\r\nSorry\r\n\r\nFinal-Recipient: rfc822; eve@example.net\r\nStatus: 5.2.2 (full)\r\n"
                    .utf8), sender: "")
        #expect(text.bounces == [Bounce(recipient: "eve@example.net", status: "5.2.2")])
    }

    @Test(
        "say by a bounce address of StintMail's whose they are, whatever the report says",
        arguments: [
            "ada@example.net", "o'hara+x=y@example.net", "größe@example.net",
        ])
    func perRecipient(recipient: String) throws {
        let base = MailAddress("Bounce@example.org")
        let address = try BounceAddress.perRecipient(base).sender(for: MailAddress(recipient))
        var mail = try CharsetTests.mail(Array(Self.report.utf8), sender: "")
        #expect(VERP.recipient(of: "<\(address.address)>", base: "bounce@EXAMPLE.org") == recipient)
        mail.recipients = [address.address]
        #expect(mail.bouncedRecipients(base: base.address).map(\.recipient) == [recipient])
        #expect(mail.bouncedRecipients(base: base.address)[0].status == "5.1.1")
        mail.recipients = ["other@example.org"]
        #expect(mail.bouncedRecipients(base: base.address).count == 2)
    }

    @Test("and mails that are carried in circles, or come from an own address, are loops")
    func loops() throws {
        let received = String(repeating: "Received: by x\r\n", count: 31)
        let often = try CharsetTests.mail(Array("\(received)From: a@example.org\r\n\r\nx".utf8))
        #expect(often.kind == .person && often.isLoop())
        let replies = try ReplyAddresses(domain: "in.example.org", keys: [Array(repeating: 1, count: 16)])
        let own = try CharsetTests.mail(Array("From: \(try replies.address(for: "post-1"))\r\n\r\nx".utf8))
        #expect(own.isLoop(own: replies.isOwn) && !own.isLoop())
        var automatic = MailMessage(from: "shop@example.org", to: ["ada@example.net"], subject: "Hi", text: "x")
        let bytes = try automatic.rfc822(id: "1", date: Date())
        #expect(try CharsetTests.mail(bytes).kind == .automatic)
        automatic.isAutomatic = false
        let other = try automatic.rfc822(id: "1", date: Date())
        #expect(try CharsetTests.mail(other).kind == .person)
    }
}
