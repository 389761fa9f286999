import StintSMTP
import TestSupport
import Testing

@Suite("An SMTP session answers commands, and passes on mails")
struct SessionTests {
    @Test("a mail is received with its envelope")
    func mail() throws {
        var client = TestSession()
        #expect(
            client.say("EHLO me", "MAIL FROM:<a@b.c>", "RCPT TO:<x@y.z>", "RCPT TO:<z@y.z>") == [250, 250, 250, 250])
        #expect(client.say("DATA") == [354])
        #expect(client.send("Subject: hi\r\n\r\n..dot\r\n.\r\n").isEmpty)
        let mail = try #require(client.mails.first)
        #expect(mail.sender == "a@b.c" && mail.recipients == ["x@y.z", "z@y.z"] && mail.clientName == "me")
        #expect(mail.bytes == Array("Subject: hi\r\n\r\n.dot\r\n".utf8))
        #expect(!mail.hasBareLineEnds)
        #expect(client.say("RCPT TO:<x@y.z>") == [503], "the envelope ends with the mail")
    }

    @Test("commands in the wrong order are refused")
    func order() {
        var client = TestSession()
        #expect(client.say("MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA") == [503, 503, 503])
        #expect(client.say("HELO me", "RCPT TO:<a@b>", "DATA") == [250, 503, 503])
        #expect(client.say("MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "DATA") == [250, 503, 503])
        #expect(client.say("RSET", "RCPT TO:<a@b>") == [250, 503])
    }

    @Test(
        "the code of a reply",
        arguments: [
            ("HELO", 501), ("EHLO", 501), ("MAIL", 501), ("MAIL FROM:", 501), ("MAIL FROM:<a@b> FOO=1", 555),
            ("MAIL FROM:<a@b> SIZE=x", 501), ("MAIL FROM:<a@b> SIZE=99999999999999999999", 552),
            ("MAIL FROM:<a@b> BODY=8BITMIME SIZE=10", 250), ("MAIL FROM:<a@b> BODY=9", 501), ("MAIL FROM:<>", 250),
            ("mail from: <a@b>", 250), ("MAIL FROM:a@b", 250), ("MAIL FROM:<a b@c>", 501), ("MAIL FROM:<a@b", 501),
            ("MAIL FROM:<\"a b\"@c>", 250), ("MAIL FROM:<\"a>b\"@c>", 250), ("MAIL FROM:<@r,@s:a@b>", 250),
            ("MAIL FROM:<zoë@b>", 553), ("MAIL FROM:<zoë@b> SMTPUTF8", 250), ("MAIL FROM:<a@b>x", 501),
            ("DATA x", 501), ("RSET x", 501), ("QUIT x", 501), ("NOOP x", 250), ("VRFY", 501), ("VRFY a", 252),
            ("HELP", 214), ("EXPN a", 502), ("FOO", 500), ("", 500), ("AUTH", 501), ("AUTH CRAM-MD5", 504),
        ])
    func code(line: String, code: Int) {
        var client = TestSession()
        #expect(client.say("EHLO me", line) == [250, code], "\(line)")
    }

    @Test("parameters need EHLO")
    func parametersNeedEHLO() {
        var client = TestSession()
        #expect(client.say("HELO me", "MAIL FROM:<a@b> SIZE=1", "MAIL FROM:<a@b>") == [250, 501, 250])
    }

    @Test("what EHLO offers, and the enhanced codes of other replies")
    func extensions() {
        var client = TestSession()
        #expect(
            client.send("EHLO me\r\n") == [
                "250-localhost", "250-SIZE 33554432", "250-8BITMIME", "250-SMTPUTF8", "250-PIPELINING",
                "250-ENHANCEDSTATUSCODES", "250-AUTH PLAIN LOGIN", "250 HELP",
            ])
        #expect(client.send("MAIL FROM:<a@b>\r\n") == ["250 2.1.0 Sender accepted"])
        #expect(client.send("RCPT TO:<a@b>\r\n") == ["250 2.1.5 Recipient accepted"])
        #expect(client.send("DATA\r\n") == ["354 End the mail with a line that is only a dot"])
    }

    @Test("any user and password is accepted, once")
    func authentication() {
        var client = TestSession()
        #expect(client.say("AUTH PLAIN AGEAYg==") == [503])
        #expect(client.say("EHLO me", "AUTH PLAIN AGEAYg==", "AUTH PLAIN AGEAYg==") == [250, 235, 503])
        client = TestSession()
        #expect(client.say("EHLO me", "AUTH PLAIN", "AGEAYg==") == [250, 334, 235])
        client = TestSession()
        #expect(client.say("EHLO me", "AUTH LOGIN", "YQ==", "Yg==") == [250, 334, 334, 235])
        client = TestSession()
        #expect(client.say("EHLO me", "AUTH LOGIN YQ==", "Yg==") == [250, 334, 235])
        client = TestSession()
        #expect(client.say("EHLO me", "AUTH LOGIN", "*", "NOOP") == [250, 334, 501, 250])
        #expect(client.say("AUTH PLAIN", "x", "AUTH PLAIN", "YQ==", "NOOP") == [334, 501, 334, 501, 250])
    }

    @Test(
        "an address asks for a failure",
        arguments: [
            ("fail-450@x", [450]), ("FAIL-599@x", [599]), ("fail-399@x", [250]), ("fail-600@x", [250]),
            ("fail-4500@x", [250]), ("fail-x@x", [250]), ("failed-450@x", [250]), ("drop@x", []), ("fail-421@x", [421]),
            ("drop2@x", [250]),
        ])
    func failures(address: String, codes: [Int]) {
        var client = TestSession()
        _ = client.say("EHLO me", "MAIL FROM:<a@b>")
        #expect(client.say("RCPT TO:<\(address)>") == codes)
        #expect(client.isClosed == (codes.isEmpty || codes == [421]))
    }

    @Test("an address asks for a failure after the mail, which is not kept")
    func failureAtEnd() {
        var client = TestSession()
        _ = client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "RCPT TO:<fail-data-554@x>", "DATA")
        #expect(client.send("x\r\n.\r\n") == ["554 5.0.0 This address asks for the reply 554"])
        #expect(client.mails.isEmpty)
        #expect(client.say("MAIL FROM:<a@b>") == [250])
    }

    @Test("no failures are simulated if that is not asked for")
    func noFailures() {
        var options = SMTPSession.Options()
        options.simulatesFailures = false
        var client = TestSession(options)
        #expect(
            client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<fail-450@x>", "RCPT TO:<drop@x>") == [
                250, 250, 250, 250,
            ])
        #expect(client.say("AUTH PLAIN AGEAYg==") == [502])
    }

    @Test("the size of a mail and the number of its recipients are limited")
    func limits() {
        var options = SMTPSession.Options()
        options.largestMail = 10
        options.mostRecipients = 2
        var client = TestSession(options)
        #expect(client.say("EHLO me", "MAIL FROM:<a@b> SIZE=11", "MAIL FROM:<a@b> SIZE=10") == [250, 552, 250])
        #expect(client.say("RCPT TO:<a@b>", "RCPT TO:<b@b>", "RCPT TO:<c@b>", "DATA") == [250, 250, 452, 354])
        #expect(client.say("12345678", "9", ".") == [552])
        #expect(client.say("MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", "12345678", ".") == [250, 250, 354])
        #expect(client.mails.map(\.bytes.count) == [10])
    }

    @Test("a long line is refused, whether it comes at once or bit by bit, and the next one is read")
    func longLine() {
        var client = TestSession()
        #expect(client.say(String(repeating: "x", count: 20_000), "NOOP") == [500, 250])
        var replies: [String] = []
        for _ in 0..<2_000 {
            replies += client.send("0123456789")
            #expect(client.session.unread <= 12_300)
        }
        replies += client.send("\r\nNOOP\r\n")
        #expect(replies == ["500 5.5.2 The line is too long", "250 2.0.0 OK"])
    }

    @Test("commands that end with a bare LF, or have a bare CR, are refused")
    func bareLineEnds() {
        var client = TestSession()
        #expect(client.send("EHLO me\nNOOP\r\n").map { $0.prefix(3) } == ["500", "250"])
        #expect(client.send("EHLO me\rNOOP\r\n").map { $0.prefix(3) } == ["500"])
        #expect(client.say("MAIL FROM:<a@b>") == [503])
    }

    @Test("the bytes of replies are one line each, whatever a client calls itself")
    func oneLine() {
        #expect(SMTPReply(250, "2.0.0", "a\r\nb\u{7f}").bytes == Array("250 2.0.0 a??b?\r\n".utf8))
    }

    @Test("the same replies and mails come if the bytes come in other parts")
    func parts() {
        let script =
            "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..\r\n.x\r\n.\r.\r\n\r\n.\r\nNOOP\r\nQUIT\r\n"
        var whole = TestSession()
        let replies = whole.send(script)
        #expect(whole.mails.map(\.bytes) == [Array(".\r\nx\r\n\r.\r\n\r\n".utf8)] && whole.mails[0].hasBareLineEnds)
        #expect(whole.isClosed)
        for size in 1...17 {
            var client = TestSession()
            var other: [String] = []
            var rest = Array(script.utf8)[...]
            while !rest.isEmpty {
                other += client.send(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(other == replies && client.mails == whole.mails, "\(size)")
        }
    }

    /// What other servers have taken for the end of a mail.
    @Test(
        "only CR LF, a dot and CR LF end a mail",
        arguments: [
            "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\n.\r\r\n", "\r\n\0.\r\n",
            "\r\n.\0\r\n",
            "\r\r\n.\n\r\n",
        ])
    func smuggling(end: String) throws {
        var client = TestSession()
        _ = client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA")
        #expect(client.send("x\(end)MAIL FROM:<evil@b>\r\n").isEmpty)
        #expect(client.mails.isEmpty && client.session.isReceiving)
        #expect(client.send("\r\n.\r\n").isEmpty)
        let mail = try #require(client.mails.first)
        #expect(mail.bytes.starts(with: Array("x".utf8)) && client.mails.count == 1)
        #expect(String(decoding: mail.bytes, as: UTF8.self).contains("evil"))
        #expect(mail.hasBareLineEnds || end.contains("\0"))
    }

    @Test(
        "a web browser is closed at once",
        arguments: ["POST / HTTP/1.1", "get /", "HEAD / HTTP/1.1", "Host: 127.0.0.1:1025", "DELETE / HTTP/1.1"])
    func browser(line: String) {
        var client = TestSession()
        #expect(client.say(line, "EHLO me") == [421])
        #expect(client.isClosed)
    }

    @Test("a client is closed after 20 lines that were refused without a mail between them")
    func manyRefused() {
        var client = TestSession()
        for _ in 0..<19 { #expect(client.say("FOO") == [500]) }
        #expect(client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", ".") == [250, 250, 250, 354])
        for _ in 0..<19 { #expect(client.say("FOO") == [500]) }
        #expect(client.say("FOO", "NOOP") == [421])
        #expect(client.isClosed && client.mails.count == 1)
    }

    @Test("random bytes do no harm, and a mail is read after them")
    func random() {
        let seed = chosenSeed()
        var generator = SeededGenerator(seed: seed)
        let words = [
            "EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", ".", "\r\n", "\r\n", "\n", "\r", "AUTH PLAIN", "\0",
            "é", "RSET",
        ]
        for _ in 0..<300 {
            var client = TestSession()
            for _ in 0..<60 {
                _ = client.send(words.randomElement(using: &generator)!)
            }
            _ = client.send("\r\n.\r\n*\r\nRSET\r\n")
            guard !client.isClosed else { continue }
            #expect(
                client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", ".") == [250, 250, 250, 354],
                "seed \(seed)")
        }
    }
}

/// A session whose replies are collected.
struct TestSession {
    var session: SMTPSession
    var mails: [ReceivedMail] = []
    var isClosed = false

    init(_ options: SMTPSession.Options? = nil) {
        var usual = SMTPSession.Options()
        usual.simulatesFailures = true
        usual.acceptsAuthentication = true
        session = SMTPSession(options ?? usual)
    }

    mutating func send(_ text: String) -> [String] { send(Array(text.utf8)) }

    mutating func send(_ bytes: [UInt8]) -> [String] {
        session.append(bytes)
        var output: [UInt8] = []
        while let step = session.next() {
            switch step {
            case .reply(let reply): output += reply.bytes
            case .mail(let mail): mails.append(mail)
            case .close(let reply):
                isClosed = true
                output += reply?.bytes ?? []
            }
        }
        return String(decoding: output, as: UTF8.self).split(separator: "\r\n").map(String.init)
    }

    /// The codes of the replies to these lines.
    mutating func say(_ lines: String...) -> [Int] {
        lines.flatMap { send($0 + "\r\n") }.filter { $0.dropFirst(3).first != "-" }.compactMap { Int($0.prefix(3)) }
    }
}
