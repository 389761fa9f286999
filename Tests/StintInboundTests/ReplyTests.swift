import Foundation
import Logging
import StintMail
import TestSupport
import Testing

@testable import StintInbound

@Suite("Reply addresses")
struct ReplyAddressTests {
    private let former: [UInt8] = Array(repeating: 7, count: 32)
    private let key: [UInt8] = Array(repeating: 8, count: 32)

    @Test("say what they were made for, in any case, until they expire")
    func round() throws {
        let replies = try ReplyAddresses(domain: "Reply.example.org", keys: [key])
        let plain = try replies.address(for: "post-17-42")
        #expect(
            plain == plain.lowercased() && plain.hasPrefix("reply+post-17-42.") && plain.hasSuffix("@reply.example.org")
        )
        for text in [plain, plain.uppercased(), "<\(plain)>", plain.capitalized] {
            #expect(replies.read(text) == .target("post-17-42"))
        }
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let brief = try replies.address(for: "post-17", expires: now + 3_600)
        #expect(replies.read(brief.uppercased(), at: now) == .target("post-17"))
        #expect(replies.read(brief, at: now + 3_660) == .expired("post-17"))
        let longest = String(repeating: "a", count: 40)
        #expect(try MailAddress(try replies.address(for: longest)).localPart.utf8.count <= 64)
        #expect(
            try MailAddress(try replies.address(for: String(longest.dropLast(7)), expires: now)).localPart.utf8.count
                <= 64)
    }

    @Test("are forged if a letter is another one, or another key, prefix or domain has signed")
    func forged() throws {
        let replies = try ReplyAddresses(domain: "in.example.org", keys: [key])
        let address = Array(try replies.address(for: "post-17", expires: Date() + 600).utf8)
        let end = address.firstIndex(of: UInt8(ascii: "@"))!
        for index in 6..<end {
            var other = address
            other[index] = other[index] == UInt8(ascii: "b") ? UInt8(ascii: "c") : UInt8(ascii: "b")
            let reading = replies.read(String(decoding: other, as: UTF8.self))
            #expect(reading == .forged, "at \(index)")
        }
        let elsewhere = try ReplyAddresses(domain: "other.example.org", keys: [key]).address(for: "post-17")
        #expect(replies.read(elsewhere) == .other)
        #expect(replies.read(elsewhere.replacing("other.", with: "in.")) == .forged)
        let prefixed = try ReplyAddresses(domain: "in.example.org", keys: [key], prefix: "leave").address(
            for: "post-17")
        #expect(replies.read(prefixed.replacing("leave", with: "reply")) == .forged)
        #expect(
            replies.read(try ReplyAddresses(domain: "in.example.org", keys: [former]).address(for: "post-17"))
                == .forged)
        for text in [
            "", "@", "reply+@in.example.org", "reply+a@in.example.org", "reply+a.b.c.d@in.example.org",
            "reply@in.example.org",
        ] {
            #expect([.forged, .other].contains(replies.read(text)), "\(text)")
        }
    }

    @Test("stay right while keys are exchanged")
    func rotation() throws {
        let old = try ReplyAddresses(domain: "in.example.org", keys: [former]).address(for: "post-17")
        #expect(try ReplyAddresses(domain: "in.example.org", keys: [key, former]).read(old) == .target("post-17"))
        let new = try ReplyAddresses(domain: "in.example.org", keys: [key, former]).address(for: "post-17")
        #expect(try ReplyAddresses(domain: "in.example.org", keys: [key]).read(new) == .target("post-17"))
    }

    @Test("refuse what would not fit or not come back")
    func refused() throws {
        let replies = try ReplyAddresses(domain: "in.example.org", keys: [key])
        for target in ["", "Post", "a.b", "a+b", "ä", "a b", String(repeating: "a", count: 41), "a@b"] {
            #expect(throws: (any Error).self, "\(target)") { try replies.address(for: target) }
        }
        #expect(throws: (any Error).self) { try ReplyAddresses(domain: "in.example.org", keys: []) }
        #expect(throws: (any Error).self) { try ReplyAddresses(domain: "in.example.org", keys: [[1, 2]]) }
        #expect(throws: (any Error).self) { try ReplyAddresses(domain: "a@b", keys: [key]) }
        #expect(throws: (any Error).self) { try ReplyAddresses(domain: "in.example.org", keys: [key], prefix: "Re") }
    }

    @Test("of a mail are looked for in the envelope, then in To and Cc")
    func mail() throws {
        let replies = try ReplyAddresses(domain: "in.example.org", keys: [key])
        var mail = InboundMail(service: .mailgun, id: "1", receivedAt: Date())
        #expect(replies.read(mail) == .other)
        mail.cc = [InboundAddress(address: try replies.address(for: "post-2"))]
        #expect(replies.read(mail) == .target("post-2"))
        mail.recipients = ["info@in.example.org", try replies.address(for: "post-1")]
        #expect(replies.read(mail) == .target("post-1"))
        mail.recipients = ["reply+post-1.aaaaaaaaaaaaaaaa@in.example.org"]
        mail.cc = []
        #expect(replies.read(mail) == .forged)
    }

    @Test("or the thread of StintMail's messages say what a reply belongs to")
    func thread() throws {
        var message = MailMessage(from: "Shop <shop@Example.org>", to: ["ada@example.net"], subject: "Hi", text: "x")
        message.thread = "post 17 ä"
        let sent = String(decoding: try message.rfc822(id: "1", date: Date()), as: UTF8.self)
        #expect(sent.contains("References: \(MailThread.messageID(of: "post 17 ä", domain: "example.org"))"))
        var mail = InboundMail(service: .mailgun, id: "1", receivedAt: Date())
        mail.references = [MailThread.messageID(of: "post 17 ä", domain: "example.org"), "<1@example.org>"]
        mail.inReplyTo = ["<1@example.org>"]
        #expect(mail.threadKeys(domain: "EXAMPLE.org") == [MailThread.key(of: "post 17 ä")])
        mail.references = [
            "<thread-xyz@example.org>", "<thread-0123456789abcdef@example.com>",
            "<thread-0123456789abcdeg@example.org>",
        ]
        #expect(mail.threadKeys(domain: "example.org") == [])
    }
}

@Suite("The author of a mail")
struct AuthorTests {
    @Test("is verified by checks for the author's own domain only")
    func checks() {
        var mail = InboundMail(service: .mailgun, id: "1", receivedAt: Date())
        mail.from = InboundAddress(address: "Ada@example.net")
        mail.authors = [mail.from!]
        #expect(mail.author(is: "ada@EXAMPLE.net") == .claimed && mail.author(is: "eve@example.net") == .other)
        mail.checks.spf = .pass
        mail.envelopeSender = "x@evil.example"
        #expect(mail.author(is: "ada@example.net") == .claimed)
        mail.envelopeSender = "x@mail.example.net"
        #expect(mail.author(is: "ada@example.net") == .verified)
        mail.checks.spf = .fail
        #expect(mail.author(is: "ada@example.net") == .suspicious)
        mail.checks.dkim = .pass
        #expect(mail.author(is: "ada@example.net") == .claimed)
        mail.checks.dkimDomains = ["evilexample.net"]
        #expect(mail.author(is: "ada@example.net") == .claimed)
        mail.checks.dkimDomains = ["example.net"]
        #expect(mail.author(is: "ada@example.net") == .verified)
        mail.checks.dmarc = .fail
        #expect(mail.author(is: "ada@example.net") == .suspicious)
        mail.checks.dmarc = nil
        mail.authors.append(InboundAddress(address: "eve@example.net"))
        #expect(mail.author(is: "ada@example.net") == .other)
    }

    @Test("is no one's if the mail has two headers that say it")
    func twoHeaders() throws {
        let source = "From: ada@example.net\r\nFrom: eve@evil.example\r\n\r\nHi\r\n"
        let mail = try CharsetTests.mail(Array(source.utf8))
        #expect(mail.authors.count == 2 && mail.author(is: "ada@example.net") == .other)
    }

    @Test(
        "is the address of the header, and none that an encoded name has in it",
        arguments: [
            "=?utf-8?q?Ada_=3Cada=40example.net=3E_=28?= <eve@evil.example>",
            "=?utf-8?b?QWRhIDxhZGFAZXhhbXBsZS5uZXQ+LA==?= <eve@evil.example>",
            "\"Ada <ada@example.net>\" <eve@evil.example>",
        ])
    func encodedNames(from: String) throws {
        let content = try MIMEReading(InboundLimits()).content(of: Array("From: \(from)\r\n\r\nHi\r\n".utf8))
        let rules = ReceivingRules(
            limits: InboundLimits(), now: Date(), window: .seconds(300), skew: .seconds(60),
            logger: Logger(label: "test"))
        let mail = content.mail(.mailgun, id: "1", rules, envelope: Envelope(sender: nil, recipients: []))
        #expect(mail.authors.map(\.address) == ["eve@evil.example"])
        #expect(mail.author(is: "ada@example.net") == .other)
    }
}

@Suite("The text of a reply")
struct ReplyTextTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        var testDescription: String { name }
    }

    private static let quotes: [Sample] = [
        Sample(
            name: "Gmail",
            text: "On Tue, Mar 3, 2026 at 10:00 AM Shop <shop@example.org> wrote:\n\n> Is it right?\n> Yes"),
        Sample(
            name: "Gmail, broken",
            text:
                "On Tue, Mar 3, 2026 at 10:00 AM A Rather Long Name Of A Shop <\nshop@example.org> wrote:\n\n> Is it right?"
        ),
        Sample(
            name: "Gmail, German",
            text: "Am Di., 3. März 2026 um 10:00 Uhr schrieb Shop <shop@example.org>:\n\n> Passt es?"),
        Sample(
            name: "Gmail, French",
            text: "Le mar. 3 mars 2026 à 10:00, Shop <shop@example.org> a écrit :\n\n> C'est bon ?"),
        Sample(
            name: "Gmail, Spanish",
            text: "El mar, 3 mar 2026 a las 10:00, Shop (<shop@example.org>) escribió:\n\n> ¿Va bien?"),
        Sample(
            name: "Gmail, Italian",
            text: "Il giorno mar 3 mar 2026 alle ore 10:00 Shop <shop@example.org> ha scritto:\n\n> Va bene?"),
        Sample(
            name: "Gmail, Portuguese",
            text: "Em ter., 3 de mar. de 2026 às 10:00, Shop <shop@example.org> escreveu:\n\n> Está bem?"),
        Sample(name: "Gmail, Dutch", text: "Op di 3 mrt 2026 om 10:00 schreef Shop <shop@example.org>:\n\n> Goed?"),
        Sample(name: "Gmail, Polish", text: "wt., 3 mar 2026 o 10:00 Shop <shop@example.org> napisał(a):\n\n> Dobrze?"),
        Sample(name: "Gmail, Russian", text: "вт, 3 мар. 2026 г. в 10:00, Shop <shop@example.org>:\n> Хорошо?"),
        Sample(name: "Gmail, Swedish", text: "Den tis 3 mars 2026 kl 10:00 skrev Shop <shop@example.org>:\n\n> Bra?"),
        Sample(name: "Gmail, Chinese", text: "Shop <shop@example.org> 于2026年3月3日周二 10:00写道：\n\n> 好吗？"),
        Sample(name: "Gmail, Japanese", text: "2026年3月3日(火) 10:00 Shop <shop@example.org>:\n\n> いいですか"),
        Sample(
            name: "Apple Mail",
            text: "> On 3. Mar 2026, at 10:00, Shop <shop@example.org> wrote:\n> \n> Is it right?\n> "),
        Sample(
            name: "Apple Mail, German",
            text: "> Am 03.03.2026 um 10:00 schrieb Shop <shop@example.org>:\n> \n> Passt es?"),
        Sample(
            name: "Apple Mail, telephone",
            text: "Sent from my iPhone\n\n> On 3 Mar 2026, at 10:00, Shop <shop@example.org> wrote:\n> \n> Is it right?"
        ),
        Sample(name: "Thunderbird", text: "On 03.03.26 10:00, Shop wrote:\n> Is it right?\n>> Older"),
        Sample(name: "Thunderbird, German", text: "Am 03.03.26 um 10:00 schrieb Shop:\n> Passt es?"),
        Sample(name: "Thunderbird, French", text: "Le 03/03/2026 à 10:00, Shop a écrit :\n> C'est bon ?"),
        Sample(
            name: "Outlook",
            text:
                "From: Shop <shop@example.org>\nSent: Tuesday, March 3, 2026 10:00 AM\nTo: Ada\nSubject: Size\n\nIs it right?"
        ),
        Sample(
            name: "Outlook, a line above",
            text:
                "________________________________\nFrom: Shop <shop@example.org>\nSent: Tuesday, March 3, 2026 10:00 AM\nTo: Ada\nSubject: Size\n\nIs it right?"
        ),
        Sample(
            name: "Outlook, German",
            text:
                "Von: Shop <shop@example.org>\nGesendet: Dienstag, 3. März 2026 10:00\nAn: Ada\nBetreff: Größe\n\nPasst es?"
        ),
        Sample(
            name: "Outlook, French",
            text:
                "De : Shop <shop@example.org>\nEnvoyé : mardi 3 mars 2026 10:00\nÀ : Ada\nObjet : Taille\n\nC'est bon ?"
        ),
        Sample(
            name: "Outlook, Spanish",
            text:
                "De: Shop <shop@example.org>\nEnviado: martes, 3 de marzo de 2026\nPara: Ada\nAsunto: Talla\n\n¿Va bien?"
        ),
        Sample(
            name: "Outlook, Russian",
            text: "От: Shop <shop@example.org>\nОтправлено: вторник, 3 марта 2026\nКому: Ada\nТема: Размер\n\nХорошо?"),
        Sample(
            name: "Outlook, in bold",
            text:
                "*From:* Shop <shop@example.org>\n*Sent:* Tuesday, March 3, 2026 10:00 AM\n*To:* Ada\n*Subject:* Size\n\nIs it right?"
        ),
        Sample(name: "Outlook of old", text: "-----Original Message-----\nFrom: Shop\n\nIs it right?"),
        Sample(name: "Outlook of old, German", text: "-----Ursprüngliche Nachricht-----\nVon: Shop\n\nPasst es?"),
        Sample(name: "a signature", text: "-- \nAda Lovelace\nAnalyst"),
        Sample(name: "a telephone", text: "Von meinem iPhone gesendet"),
        Sample(name: "only quotes", text: "> Is it right?"),
        Sample(
            name: "Outlook for telephones",
            text:
                "Get Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: Shop <shop@example.org>\nSent: Tuesday\nTo: Ada\nSubject: Size\n\nIs it right?"
        ),
    ]

    @Test("is without what mail programs quote below it", arguments: quotes)
    func quoted(sample: Sample) {
        let own = "I like it: very much.\n\nOn the other hand, 42 is large.\nFrom: here to there."
        #expect(ReplyText.visible(in: own + "\n\n" + sample.text + "\n") == own)
        #expect(ReplyText.visible(in: (own + "\n\n" + sample.text + "\n").replacing("\n", with: "\r\n")) == own)
    }

    @Test("stays if it is between or below what is quoted")
    func between() {
        let text =
            "On Tue, 3 Mar 2026, Shop <shop@example.org> wrote:\n> Is it right?\n\nYes.\n\n> And the colour?\n\nBlue.\n-- \nAda"
        #expect(ReplyText.visible(in: text) == "Yes.\n\nBlue.")
    }

    @Test(
        "keeps what only looks like a quote",
        arguments: [
            "She wrote:\nhello", "Price: 5 > 4", "From: me\nto you", "--- \nhere", "- one\n- two",
            "Sent from my heart with love: thank you all so much, this has been the very best evening that we have had in many, many years indeed",
            "He wrote a letter.\nOn Tuesday we meet at 10.", "a\n---\nb",
        ])
    func kept(text: String) {
        #expect(
            ReplyText.visible(in: text + "\nEnd") == text.trimmingLines + "\nEnd"
                || ReplyText.visible(in: text + "\nEnd") == text + "\nEnd")
    }

    @Test(
        "of HTML alone is made into text, without quotes and signatures",
        arguments: [
            #"<div dir="ltr">I like it &amp; <b>more</b>.<br></div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Tue Shop wrote:<br></div><blockquote class="gmail_quote">Is it right?</blockquote></div>"#,
            #"<html><head><title>x</title><style>p{}</style></head><body><p>I like it &#38; more.</p><blockquote type="cite"><div>On Tue wrote:</div><div>Is it?</div></blockquote></body></html>"#,
            #"<div>I like it &amp; more.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Shop</div><div>Is it?</div>"#,
            #"<p>I like it<script>alert("<p>")</script> &amp;&nbsp;more.</p><div class="moz-cite-prefix">On 3 Mar Shop wrote:</div><blockquote type="cite">Is it?</blockquote>"#,
            #"<p>I like it &amp; more.</p><p>-- <br>Ada</p>"#,
            #"<p>I like it &amp; more.</p><!-- <p>hidden</p> --><div class="moz-signature">Ada</div>"#,
        ])
    func html(html: String) {
        var mail = InboundMail(service: .mailgun, id: "1", receivedAt: Date())
        mail.html = html
        #expect(mail.replyText == "I like it & more.")
    }

    @Test("is found in a time that grows as the text does, whatever it is")
    func hostile() {
        for piece in [
            "<", "&", "<a \"", "<a '>", "<a=\">", "> ", "On 1 @", "a:\n", "From:\n", "-", "<!--", "<blockquote>", "\n",
            "&#x110000;", "<p", "\0", "<a=\"><b='>",
        ] {
            let text = String(repeating: piece, count: 200_000 / piece.utf8.count)
            var mail = InboundMail(service: .mailgun, id: "1", receivedAt: Date())
            mail.html = text
            let start = ContinuousClock.now
            _ = mail.replyText
            mail.text = text
            _ = mail.replyText
            #expect(ContinuousClock.now - start < .seconds(20), "\(piece)")
        }
    }
}
