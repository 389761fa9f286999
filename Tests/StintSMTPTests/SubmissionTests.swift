import StintSMTP
import Testing

@Suite("A mail that a program gives to sendmail is made fit to be sent")
struct SubmissionTests {
    private let defaults = SubmittedMail.Defaults(
        date: "Sat, 28 Nov 2026 00:00:00 +0000", messageID: "<1@host>", sender: "me@host", senderName: "")

    private func sent(_ text: String, name: String = "") -> String {
        let defaults = SubmittedMail.Defaults(
            date: defaults.date, messageID: defaults.messageID, sender: defaults.sender, senderName: name)
        return String(decoding: SubmittedMail(text.utf8).bytes(adding: defaults), as: UTF8.self)
    }

    private let added = "Date: Sat, 28 Nov 2026 00:00:00 +0000\r\nFrom: me@host\r\nMessage-ID: <1@host>\r\n"

    @Test("what every mail has is added, and only if it is not there")
    func additions() {
        #expect(sent("Subject: x\n\nhi\n") == added + "Subject: x\r\n\r\nhi\r\n")
        #expect(sent("DATE: d\nfrom: f\nMessage-Id: m\n\nhi") == "DATE: d\r\nfrom: f\r\nMessage-Id: m\r\n\r\nhi\r\n")
        #expect(sent("") == added + "\r\n")
        #expect(sent("Subject: x\n") == added + "Subject: x\r\n\r\n")
        #expect(sent("no header\nSubject: x\n") == added + "\r\nno header\r\nSubject: x\r\n")
        #expect(sent("From anna Sat Nov 28\nSubject: x\n\ny") == added + "Subject: x\r\n\r\ny\r\n")
    }

    @Test("the sender's name is quoted, or encoded")
    func senderName() {
        #expect(sent("", name: "A \"B\" C\r\nBcc: x").contains("From: \"A \\\"B\\\" CBcc: x\" <me@host>\r\n"))
        #expect(sent("", name: "Zoë").contains("From: =?utf-8?B?Wm/Dqw==?= <me@host>\r\n"))
    }

    @Test("nobody sees Bcc, however it is written")
    func bcc() {
        let mail = sent(
            "To: a@b\nBCC: c@d,\n e@f\nbcc : g@h\nReturn-Path: <x>\nResent-Bcc: i@j\nSubject: s\n\nBcc: body\n")
        #expect(mail == added + "To: a@b\r\nSubject: s\r\n\r\nBcc: body\r\n")
    }

    @Test("recipients are those of To, Cc and Bcc, or of the headers by which a mail is sent again")
    func recipients() {
        let mail = SubmittedMail("To: A <a@b>,\n c@d\nCc: e@f\nBcc: g@h\nSubject: x@y\n\nTo: no@no\n".utf8)
        #expect(mail.recipients == ["a@b", "c@d", "e@f", "g@h"])
        #expect(SubmittedMail("To: a@b\nResent-To: c@d\n\n".utf8).recipients == ["c@d"])
        #expect(SubmittedMail("Subject: x\n\n".utf8).recipients.isEmpty)
    }

    @Test(
        "the addresses of a header",
        arguments: [
            ("a@b", ["a@b"]), ("", []), (" , ,", []), ("a@b, c@d", ["a@b", "c@d"]), ("<a@b>", ["a@b"]),
            ("\"B, C\" <a@b>, d@e", ["a@b", "d@e"]), ("a@b (one, two (three))", ["a@b"]), ("root", ["root"]),
            ("friends: a@b, c@d;, e@f", ["a@b", "c@d", "e@f"]), ("undisclosed-recipients:;", []),
            ("\"a b\"@c", ["\"a b\"@c"]), ("A B <\"x,y\"@c>", ["\"x,y\"@c"]), ("<@r,@s:a@b>", ["a@b"]),
            ("a@[192.0.2.1]", ["a@[192.0.2.1]"]), ("a@[IPv6:2001:db8::1]", ["a@[IPv6:2001:db8::1]"]),
            ("=?utf-8?q?Zo=C3=AB?= <z@b>", ["z@b"]), ("zoë@bücher.example", ["zoë@bücher.example"]),
            ("a @ b", ["a@b"]), ("a b@c", ["a b@c"]), ("a@b;c@d", ["a@b", "c@d"]),
            ("\"unclosed <a@b>, c@d", ["\"unclosed <a@b>, c@d"]), ("((((", []), ("<", []),
        ] as [(String, [String])])
    func addresses(value: String, expected: [String]) {
        #expect(AddressList.addresses(in: value.utf8) == expected, "\(value)")
    }

    @Test(
        "an address that mail servers take",
        arguments: [
            ("a@b", true), ("a.b@c.example", true), ("\"a b\"@c", true), ("a@[192.0.2.1]", true),
            ("a@[IPv6:2001:db8::1]", true), ("zoë@bücher.example", true), ("a", false), ("a..b@x", false),
            (".x@y", false), ("x.@y", false), ("a@host.", false), ("a@b..c", false), ("a@-b", false), ("\"\"@c", false),
            ("a@[", false),
        ] as [(String, Bool)])
    func deliverable(address: String, expected: Bool) {
        #expect(MailAddress.isDeliverable(address) == expected, "\(address)")
    }

    @Test("an address has 64 bytes before the @ and 254 in all at most")
    func addressLengths() {
        let local = String(repeating: "a", count: 64)
        #expect(MailAddress.isDeliverable("\(local)@b"))
        #expect(!MailAddress.isDeliverable("a\(local)@b"))
        let domain = String(repeating: "b.", count: 125)
        #expect(MailAddress.isDeliverable("aa@\(domain)c"))
        #expect(!MailAddress.isDeliverable("aaa@\(domain)c"))
    }

    @Test(
        "all lines end with CR LF, and none is made by an accident or a trick",
        arguments: [
            ("a\nb", "a\r\nb\r\n"), ("a\r\nb\r\n", "a\r\nb\r\n"), ("", ""), ("\n", "\r\n"),
            // Added twice: an empty line would end the headers.
            ("A: 1\r\r\nB: 2\r\r\n\r\r\nx", "A: 1\r\nB: 2\r\n\r\nx\r\n"),
            // A header in a header, and two lines of a body.
            ("Subject: x\rBcc: y\n\nb\rc", "Subject: x Bcc: y\r\n\r\nb\r\nc\r\n"), ("a\r", "a \r\n"),
            ("\n\r.\r\n", "\r\n\r\n.\r\n"),
        ])
    func lineEnds(text: String, expected: String) {
        #expect(String(decoding: LineEnds.normalized(text.utf8), as: UTF8.self) == expected)
    }
}
