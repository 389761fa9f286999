import Foundation
import StintCore
import Testing

@testable import StintInbound

@Suite("Texts with the name of a file")
struct NamedTextTests {
    private static func mail(_ type: String, _ parts: [(head: String, text: String)]) throws -> InboundMail {
        var source = "From: Ada <ada@example.net>\r\nContent-Type: \(type); boundary=b\r\n\r\n"
        for part in parts { source += "--b\r\n\(part.head)\r\n\r\n\(part.text)\r\n" }
        return try CharsetTests.mail(Array((source + "--b--\r\n").utf8))
    }

    private static let inline =
        "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline; filename=notes.txt"

    @Test("are what the sender wrote if there is no other text, and files too")
    func alone() throws {
        for head in [Self.inline, "Content-Type: text/plain; name=\"message.txt\""] {
            let mail = try Self.mail("multipart/mixed", [(head, "I like it: größe.")])
            #expect(mail.text == "I like it: größe." && mail.replyText == "I like it: größe.", "\(head)")
            #expect(mail.attachments.map { String(decoding: $0.content, as: UTF8.self) } == ["I like it: größe."])
        }
        let single = try CharsetTests.mail(
            Array("From: a@example.net\r\n\(Self.inline)\r\n\r\nHello".utf8))
        #expect(single.text == "Hello" && single.attachments.map(\.name) == ["notes.txt"])
    }

    @Test("are files only, and not mixed with the text, if there is one")
    func beside() throws {
        let plain = "Content-Type: text/plain"
        let mail = try Self.mail(
            "multipart/mixed", [(Self.inline, "The notes"), (plain, "Hello"), (Self.inline, "Others"), (plain, "Bye")])
        #expect(mail.text == "Hello\nBye" && mail.attachments.map(\.name) == ["notes.txt", "notes.txt"])
        let html = try Self.mail(
            "multipart/mixed", [("Content-Type: text/html", "<p>Hello</p>"), (Self.inline, "The notes")])
        #expect(html.text == nil && html.replyText == "Hello" && html.attachments.count == 1)
    }

    @Test("of several the first is the text, and all are files")
    func several() throws {
        let page = "Content-Type: text/html\r\nContent-Disposition: inline; filename=a.html"
        let mail = try Self.mail(
            "multipart/mixed", [(Self.inline, "One"), (Self.inline, "Two"), (page, "<p>Three</p>")])
        #expect(mail.text == "One" && mail.html == "<p>Three</p>" && mail.attachments.count == 3)
    }

    @Test("stay files if they are attached")
    func attached() throws {
        let head = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt"
        let mail = try Self.mail("multipart/mixed", [(head, "The notes")])
        #expect(mail.text == nil && mail.html == nil && mail.replyText.isEmpty && mail.attachments.count == 1)
    }
}
