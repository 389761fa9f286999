import Foundation
import StintMailbox
import StintSMTP
import StintTesting
import Testing

@testable import StintWeb

/// Reads no MIME: a mail is its text, and what begins with `<` its HTML. The reader itself is tested with the catcher.
private struct PlainReader: MailReader {
    func contents(of mail: [UInt8]) -> MailContents {
        let text = String(decoding: mail, as: UTF8.self)
        var contents = MailContents()
        contents.headers = [.init(name: "Subject", value: text.prefix(30).description)]
        contents.text = .init(text: text, isCut: false)
        if text.hasPrefix("<") { contents.html = .init(text: text, isCut: false) }
        if text.contains("attached") {
            contents.attachments = [
                .init(part: 2, name: "a\"b\r\n/ü.txt", type: "text/html", size: 8, contentID: nil)
            ]
        }
        return contents
    }

    func attachment(_ part: Int, of mail: [UInt8]) -> [UInt8]? { part == 2 ? Array("attached".utf8) : nil }

    func document(of mail: [UInt8]) -> String? { contents(of: mail).html?.text }
}

@Suite("Caught mails", .timeLimit(.minutes(1)))
struct MailPageTests {
    private static func mailbox(_ mails: (to: String, text: String)...) -> Mailbox {
        let mailbox = Mailbox(PlainReader())
        for mail in mails { add(mail.to, mail.text, to: mailbox) }
        return mailbox
    }

    private static func add(_ recipient: String, _ text: String, to mailbox: Mailbox) {
        mailbox.add(
            ReceivedMail(
                sender: "me@x", recipients: [recipient], bytes: Array(text.utf8), clientName: "c",
                hasBareLineEnds: text.contains("bare")))
    }

    private func withMails(
        _ mailbox: Mailbox, _ access: Access = .open(.admin), _ body: @Sendable (WebClient) async throws -> Void
    ) async throws {
        func change(_ options: inout Dashboard.Options) {
            options.mailbox = mailbox
            options.mailAddress = "127.0.0.1:1025"
        }
        try await withServer(try await sampleQueue(), access, change: change) { client, _ in try await body(client) }
    }

    @Test("have no page, no calls and no link, if no mails are caught")
    func off() async throws {
        try await withServer(try await sampleQueue()) { client, _ in
            for path in ["/mail", "/mail/1", "/mail/1/html", "/api/v1/mails", "/api/v1/mails/wait?to=a@b"] {
                let answer = try await client.send("GET", path)
                same(answer.status, 404)
                #expect(answer.body.contains("--catch-mail"), "\(path): \(answer.body)")
            }
            let overview = try await client.send("GET", "/")
            #expect(!overview.body.contains("href=\"/mail\""))
        }
    }

    @Test("are listed, found by recipient, shown and deleted")
    func pages() async throws {
        let mailbox = Self.mailbox(("anna@x", "first mail"), ("bob@x", "<b>second</b> http://x/?a=1&b=2 attached bare"))
        try await withMails(mailbox) { client in
            let list = try await client.send("GET", "/mail")
            #expect(
                list.body.contains("first mail") && list.body.contains("&lt;b&gt;second")
                    && list.body.contains("2 mails"))
            #expect(list.body.contains("href=\"/mail\" aria-current=\"page\""))
            let found = try await client.send("GET", "/mail?to=ANNA")
            #expect(
                found.body.contains("first mail") && !found.body.contains("second") && found.body.contains("1 mail<"))
            let page = try await client.send("GET", "/mail/2")
            #expect(page.body.contains("<iframe sandbox src=\"/mail/2/html\""))
            #expect(page.body.contains("Some lines do not end with CR LF"))
            #expect(page.body.contains("href=\"http://x/?a=1&amp;b=2\""))
            #expect(page.body.contains("/mail/2/parts/2"))
            let facts = try await client.send("GET", "/mail/2.json")
            #expect(facts.body.contains("\"recipients\":[\"bob@x\"]") && facts.body.contains("\"html\":\"<b>second"))
            let deleted = try await client.send("POST", "/mail/2/delete")
            #expect(deleted.status == 303 && deleted.headers["location"] == "/mail?done=mail-deleted")
            let missing = try await client.send("GET", "/mail/2")
            same(missing.status, 404)
            let all = try await client.send("POST", "/mail/delete", body: "to=")
            #expect(all.headers["location"] == "/mail?done=mails-deleted&count=1")
            let empty = try await client.send("GET", "/mail")
            #expect(empty.body.contains("127.0.0.1:1025"))
        }
    }

    @Test("only those of a recipient are deleted if a recipient was searched for")
    func deleteSome() async throws {
        let mailbox = Self.mailbox(("anna@x", "1"), ("bob@x", "2"))
        try await withMails(mailbox) { client in
            _ = try await client.send("POST", "/mail/delete", body: "to=anna%40x")
            let left = try await client.send("GET", "/api/v1/mails")
            #expect(left.body.contains("bob@x") && !left.body.contains("anna@x"))
        }
    }

    @Test("are shown in a frame that runs nothing and loads nothing, and all else of them is saved")
    func frame() async throws {
        let mailbox = Self.mailbox(("a@x", "<script>alert(1)</script> attached"))
        try await withMails(mailbox) { client in
            let frame = try await client.send("GET", "/mail/1/html")
            let policy = try #require(frame.headers["content-security-policy"])
            #expect(policy.hasPrefix("sandbox; default-src 'none'") && !policy.contains("script-src"))
            #expect(frame.headers["content-type"] == "text/html; charset=utf-8")
            for path in ["/mail/1/source", "/mail/1/parts/2", "/api/v1/mails/1/source", "/api/v1/mails/1/parts/2"] {
                let saved = try await client.send("GET", path)
                same(saved.status, 200)
                #expect(saved.headers["content-type"] == "application/octet-stream", "\(path)")
                let disposition = try #require(saved.headers["content-disposition"])
                #expect(disposition.hasPrefix("attachment; ") && !disposition.contains("\r"), "\(disposition)")
            }
            let page = try await client.send("GET", "/mail/1")
            #expect(!page.body.contains("<script>alert"))
            for part in ["1", "3", "x", "-1"] {
                let missing = try await client.send("GET", "/mail/1/parts/\(part)")
                same(missing.status, 404)
            }
        }
    }

    @Test("that link to scripts have no such link on their page")
    func scripts() async throws {
        let mailbox = Self.mailbox(
            ("a@x", "<a href=\"javascript:alert(1)\">x</a><a href='data:text/html,x'>y</a><a href=mailto:a@b>z</a>"))
        try await withMails(mailbox) { client in
            let page = try await client.send("GET", "/mail/1")
            #expect(page.body.contains("javascript:alert(1)") && !page.body.contains("href=\"javascript"))
            #expect(!page.body.contains("href=\"data:text") && page.body.contains("href=\"mailto:a@b\""))
        }
    }

    @Test("are waited for by tests")
    func waiting() async throws {
        let mailbox = Self.mailbox(("anna@x", "early"))
        try await withMails(mailbox) { client in
            let there = try await client.send("GET", "/api/v1/mails/wait?to=anna@x")
            #expect(there.status == 200 && there.body.contains("\"text\":\"early\""))
            let none = try await client.send("GET", "/api/v1/mails/wait?to=anna@x&after=1&timeoutMilliseconds=10")
            same(none.status, 404)
            #expect(none.body.contains("no mail to 'anna@x' has come within 10 ms"), "\(none.body)")
            async let later = client.send("GET", "/api/v1/mails/wait?to=anna@x&after=1&timeoutMilliseconds=30000")
            Self.add("bob@x", "other", to: mailbox)
            Self.add("anna@x", "late", to: mailbox)
            let answer = try await later
            #expect(answer.status == 200 && answer.body.contains("\"text\":\"late\""))
            for query in [
                "", "?to=", "?to=a&timeoutMilliseconds=x", "?to=a&timeoutMilliseconds=30001", "?to=a&after=-1",
            ] {
                let wrong = try await client.send("GET", "/api/v1/mails/wait\(query)")
                same(wrong.status, 400)
            }
        }
    }

    @Test("are listed in pages by the HTTP API, and deleted")
    func calls() async throws {
        let mailbox = Self.mailbox(("a@x", "1"), ("b@x", "2"), ("c@x", "3"))
        try await withMails(mailbox) { client in
            let first = try await client.send("GET", "/api/v1/mails?limit=2")
            #expect(
                first.body.contains("\"next\":2") && first.body.contains("\"count\":3") && first.body.contains("c@x"))
            let second = try await client.send("GET", "/api/v1/mails?limit=2&before=2")
            #expect(second.body.contains("a@x") && !second.body.contains("next"))
            let one = try await client.send("DELETE", "/api/v1/mails/3")
            same(one.status, 204)
            let again = try await client.send("DELETE", "/api/v1/mails/3")
            same(again.status, 404)
            let rest = try await client.send("DELETE", "/api/v1/mails")
            #expect(rest.body == "{\"deleted\":2}")
        }
    }

    @Test("are deleted only by those who may operate")
    func roles() async throws {
        let mailbox = Self.mailbox(("a@x", "1"))
        try await withMails(mailbox, .open(.view)) { client in
            for (method, path) in [
                ("POST", "/mail/delete"), ("POST", "/mail/1/delete"), ("DELETE", "/api/v1/mails"),
                ("DELETE", "/api/v1/mails/1"),
            ] {
                let answer = try await client.send(method, path)
                same(answer.status, 403)
            }
            let list = try await client.send("GET", "/mail")
            #expect(list.status == 200 && !list.body.contains("Delete"))
        }
    }

    @Test("come to those who look at the list")
    func live() async throws {
        let mailbox = Self.mailbox(("a@x", "first mail"))
        try await withMails(mailbox) { client in
            let looking = try await client.begin("/live?page=/mail&seen=none", until: "first mail")
            Self.add("b@x", "second mail", to: mailbox)
            let more = try await WebClient.onThread { try looking.connection.read(until: "second mail") }
            #expect(more.contains("data: "))
        }
    }
}
