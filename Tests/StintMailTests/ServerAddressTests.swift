import Foundation
import StintCore
import TestSupport
import Testing

@testable import StintMail

@Suite struct ServerAddressTests {
    @Test(
        "a server's address says how it is reached",
        arguments: [
            ("smtp://mail.example.org", "mail.example.org", 587, .startTLS),
            ("smtps://mail.example.org", "mail.example.org", 465, .implicit),
            ("smtp://localhost", "localhost", 25, .none),
            ("smtp://127.0.0.1:2525/", "127.0.0.1", 2525, .none),
            ("smtp://[::1]:2525", "::1", 2525, .none),
            ("smtp://127.example.org", "127.example.org", 587, .startTLS),
            ("smtp://mail.example.org:25?security=none", "mail.example.org", 25, .none),
            ("smtp://localhost?security=starttls&name=me.example", "localhost", 587, .startTLS),
        ] as [(String, String, Int, SMTPServer.Security)])
    func reading(url: String, host: String, port: Int, security: SMTPServer.Security) throws {
        let server = try SMTPServer(url)
        #expect(server.host == host)
        #expect(server.port == port)
        #expect(server.security == security)
    }

    @Test("a message or an address outside ASCII needs what carries it, and a server without that is named")
    func extensions() throws {
        let plain = MailEnvelope(sender: "a@example.org", recipients: ["b@example.org"])
        let wide = MailEnvelope(sender: nil, recipients: ["b@example.org", "größe@example.org"])
        #expect(SMTPExtension.needed(Array("x".utf8), plain) == [])
        #expect(SMTPExtension.needed(Array("größe".utf8), plain) == [.eightBitMIME])
        #expect(SMTPExtension.needed(Array("x".utf8), wide) == [.smtpUTF8])
        #expect(
            SMTPExtension.needed([0x80], MailEnvelope(sender: wide.recipients[1], recipients: plain.recipients)).count
                == 2)
        let failure = SMTPExtension.eightBitMIME.missing(at: try SMTPServer("smtp://mail.example.org"))
        #expect(failure.kind == .permanent && failure.description.contains("mail.example.org does not offer 8BITMIME"))
    }

    @Test("no description of a server shows its password, and no error does")
    func secrecy() throws {
        let server = try SMTPServer("smtps://sh%40p:Geheim%3A%2F@mail.example.org")
        #expect(server.user == "sh@p")
        #expect(server.password == "Geheim:/")
        var dumped = ""
        dump(server, to: &dumped)
        for text in ["\(server)", String(reflecting: server), dumped] { #expect(!text.contains("Geheim"), "\(text)") }
        for url in [
            "http://u:Geheim@x.org", "smtps://u:Geheim@", "smtps://u:Geheim%@x.org", "smtps://u:Geheim@x.org:0",
            "smtps://:Geheim@x.org", "smtps://u:Geheim@x.org/path", "smtps://u:Geheim@x.org?security=none",
            "smtp://u:Geheim@x.org?security=plain", "smtp://u:Geheim@x.org?color=red", "smtp://u:Geheim@x.org?name=%20",
        ] {
            let error = #expect(throws: StintError.self) { try SMTPServer(url) }
            #expect(error?.description.contains("Geheim") == false, "\(error?.description ?? "")")
        }
        #expect(throws: StintError.self) { try SMTPServer("smtps://u@x.org") }
    }

    @Test("a password is read from the first line of a file")
    func file() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/password"
        try Data("Geheim\nmore\n".utf8).write(to: URL(filePath: path))
        #expect(try SMTPServer("smtps://u@x.org", passwordFile: path).password == "Geheim")
        #expect(throws: StintError.self) { try SMTPServer("smtps://u:p@x.org", passwordFile: path) }
        #expect(throws: StintError.self) { try SMTPServer("smtps://u@x.org", passwordFile: path + "x") }
        try Data("Ge\0heim\n".utf8).write(to: URL(filePath: path))
        #expect(throws: StintError.self) { try SMTPServer("smtps://u@x.org", passwordFile: path) }
    }

    @Test("a server's answer is one line without control characters and secrets, and not longer than it may be")
    func reply() throws {
        let lines = ["550-5.1.1 no \u{1B}[31m Geheim", "550 x" + String(repeating: "é", count: 2_000)]
        let reply = try #require(SMTPReply(lines: lines.map { Array($0.utf8) }, hiding: ["Geheim"]))
        #expect(reply.code == 550 && reply.isPermanent && !reply.isTemporary)
        #expect(reply.text.hasPrefix("5.1.1 no  [31m … x"))
        #expect(reply.text.utf8.count < 1_010)
        #expect(SMTPReply(lines: [Array("nonsense".utf8)], hiding: []) == nil)
        #expect(SMTPReply(lines: [], hiding: []) == nil)
    }

    @Test("while a server cannot be used, only one message after the other tries it")
    func health() {
        let health = ServerHealth()
        let start = ContinuousClock.now
        #expect(health.waitingTime(at: start) == nil)
        #expect(health.fails(at: start) == .seconds(1))
        // Others that find the same at once do not make the wait longer.
        #expect(health.fails(at: start + .milliseconds(400)) == .milliseconds(600))
        #expect(health.waitingTime(at: start + .milliseconds(500)) == .milliseconds(500))
        let next = start + .seconds(1)
        #expect(health.waitingTime(at: next) == nil)
        #expect(health.waitingTime(at: next) == .seconds(2))
        health.works()
        #expect(health.waitingTime(at: next) == nil)
    }

    @Test("a server that is there when it is looked at, and takes no message, is waited for longer each time")
    func checkedServer() {
        let health = ServerHealth()
        let start = ContinuousClock.now
        #expect(health.fails(at: start) == .seconds(1))
        health.isThere()
        #expect(health.waitingTime(at: start) == nil)
        #expect(health.fails(at: start) == .seconds(2))
        health.isThere()
        health.works()
        #expect(health.fails(at: start) == .seconds(1))
    }

    @Test("a message that the server ends at once is to blame if the server was there in between")
    func blame() {
        let health = ServerHealth()
        #expect(!health.blames(JobID(rawValue: 1)))
        #expect(!health.blames(JobID(rawValue: 1)))
        #expect(!health.blames(JobID(rawValue: 2)))
        health.isThere()
        #expect(health.blames(JobID(rawValue: 1)))
        #expect(!health.blames(JobID(rawValue: 2)))
        health.works()
        #expect(health.blames(JobID(rawValue: 2)))
        #expect(!health.blames(JobID(rawValue: 1)))
    }

    @Test("a CR alone begins no header, and ends a line of the body")
    func carriageReturns() {
        func sent(_ text: String, isMessage: Bool = true) -> String {
            String(decoding: MailLines.withCRLF(Array(text.utf8), isMessage: isMessage), as: UTF8.self)
        }
        #expect(sent("A: b\rBcc: c\nD: e\n\nx\ry") == "A: b Bcc: c\r\nD: e\r\n\r\nx\r\ny\r\n")
        #expect(sent("A: b\r\r\nD: e\r\n\r\nx\r\ny\r") == "A: b \r\nD: e\r\n\r\nx\r\ny\r\n")
        #expect(sent("a\rb", isMessage: false) == "a\r\nb\r\n")
    }
}
