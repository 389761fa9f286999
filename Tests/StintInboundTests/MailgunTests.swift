import Foundation
import Stint
import StintCore
import StintTesting
import Testing

@testable import StintInbound

@Suite("Mailgun's routes")
struct MailgunTests {
    private static func services() throws -> [InboundService] {
        [try .mailgun(signingKeys: ["former", Posts.mailgunKey])]
    }

    @Test("become a mail with all its fields, from a form of each kind", arguments: [true, false])
    func fields(isMultipart: Bool) async throws {
        try await withInbound(try Self.services()) { client in
            let form = Posts.mailgun {
                if isMultipart {
                    $0.add("attachment-1", [0, 13, 10, 45, 45, 255], filename: "größe.bin", type: "image/png")
                    $0["content-id-map"] = #"{"<pic@example.net>":"attachment-1"}"#
                }
            }
            let answer = try await client.post("/mailgun", isMultipart ? form.multipart() : form.urlencoded)
            same(answer.status, 200)
            let mails = try await client.mails()
            let mail = try #require(mails.first)
            #expect(mails.count == 1)
            #expect(mail.service == .mailgun && mail.kind == .person && mail.id == form["token"])
            #expect(mail.from == InboundAddress(name: "Ada Lovelace", address: "ada@example.net"))
            #expect(mail.recipients == ["reply@in.example.org"] && mail.envelopeSender == "ada@example.net")
            #expect(mail.subject == "Re: Größe 42" && mail.messageID == "<one@example.net>")
            #expect(mail.inReplyTo == ["<zero@example.org>"])
            #expect(mail.references == ["<first@example.org>", "<zero@example.org>"])
            #expect(mail.date == Date(timeIntervalSince1970: 1_772_532_000))
            #expect(mail.replyText == "I like it.")
            #expect(mail.checks.spf == .pass && mail.checks.dkim == .pass && mail.checks.isSpam == false)
            #expect(mail.checks.spamScore == -0.4)
            #expect(mail.author(is: "Ada@Example.net") == .verified)
            #expect(mail.author(is: "eve@example.net") == .other)
            if isMultipart {
                let file = try #require(mail.attachments.first)
                #expect(
                    file.name == "größe.bin" && file.contentType == "image/png" && file.contentID == "pic@example.net")
                #expect(Array(file.content) == [0, 13, 10, 45, 45, 255])
            }
        }
    }

    @Test("give the mail as it was sent under the path that ends with mime")
    func mime() async throws {
        try await withInbound(try Self.services()) { client in
            let form = Posts.mailgun {
                $0["message-headers"] = nil
                $0["body-plain"] = nil
                $0["body-mime"] = Posts.source
            }
            let answer = try await client.post("/mailgun/mime", form.multipart())
            same(answer.status, 200)
            let mail = try #require(try await client.mails().first)
            #expect(mail.text == "Schön." && mail.subject == "Re: Größe" && mail.attachments.map(\.name) == ["a.pdf"])
            #expect(Array(mail.attachments[0].content) == Array("hello".utf8))
        }
    }

    @Test("are refused without a right signature of now, with a token that was not there before")
    func signatures() async throws {
        try await withInbound(try Self.services()) { client in
            func status(_ change: (inout TestForm) -> Void) async throws -> Int {
                var form = Posts.mailgun()
                change(&form)
                return try await client.post("/mailgun", form.urlencoded).status
            }
            same(try await status { $0["signature"] = nil }, 401)
            same(try await status { $0["signature"] = String(repeating: "0", count: 64) }, 401)
            same(try await status { $0["signature"] = "zz" }, 401)
            same(try await status { $0["token"] = "another" }, 401)
            same(try await status { $0["timestamp"] = "\(Int(Date().timeIntervalSince1970) + 1)" }, 401)
            same(try await status { Posts.sign(&$0, key: "wrong") }, 401)
            same(try await status { Posts.sign(&$0, time: Date() - 13 * 3_600) }, 403)
            same(try await status { Posts.sign(&$0, time: Date() + 600) }, 503)
            same(try await client.mails().count, 0)
            same(try await status { Posts.sign(&$0, key: "former", time: Date() - 11 * 3_600) }, 200)
            same(try await client.mails().count, 1)
        }
    }

    @Test("add one job for a token, whatever else a repeated post has")
    func replay() async throws {
        try await withInbound(try Self.services()) { client in
            var form = Posts.mailgun()
            let first = try await client.post("/mailgun", form.urlencoded)
            form["body-plain"] = "Something else"
            let second = try await client.post("/mailgun", form.multipart())
            same(first.text, "the mail is taken\n")
            same(second, Answer(status: 200, text: "this mail was taken before\n"))
            same(try await client.mails().map(\.replyText), ["I like it."])
        }
    }

    @Test("add one job for a mail that is posted again with a new token, also when its job is done")
    func repeated() async throws {
        let queue = JobQueue(store: InMemoryStore())
        try await withInbound(queue, try Self.services()) { client in
            var form = Posts.mailgun { $0.add("attachment-1", [1, 2, 3], filename: "a.bin", type: "image/png") }
            same(try await client.post("/mailgun", form.multipart()).text, "the mail is taken\n")
            let ids = try await queue.store.page(JobFilter(queue: "inbound"), after: nil).jobs.map(\.id)
            try await queue.delete(ids)
            Posts.sign(&form)
            form.parts.reverse()
            let again = try await client.post("/mailgun", form.multipart(boundary: "other"))
            same(again, Answer(status: 200, text: "this mail was taken before\n"))
            // The token of the repetition is known too.
            form["body-plain"] = "Something else"
            same(try await client.post("/mailgun", form.multipart()).text, "this mail was taken before\n")
            same(try await client.mails().count, 0)
        }
    }

    @Test("are not kept out by another mail with their Message-ID")
    func forgedMessageIDs() async throws {
        try await withInbound(try Self.services()) { client in
            // A form without Message-ID can only be known by its token.
            let withoutID = Posts.mailgun { $0["message-headers"] = #"[["From","Ada <ada@example.net>"]]"# }
            var changes: [@Sendable (inout TestForm) -> Void] = [
                { _ in },
                { $0["body-plain"] = "Buy!" },
                { $0["recipient"] = "other@in.example.org" },
                { $0["sender"] = "eve@evil.example" },
                { $0["from"] = "Eve <eve@evil.example>" },
                { $0["subject"] = "Re: other" },
                { $0["body-html"] = nil },
                { $0["body-mime"] = Posts.source },
                { $0["message-headers"] = $0["message-headers"]!.replacing("Pass", with: "Fail") },
                { $0.add("attachment-1", [1], filename: "a") },
                { $0.add("attachment-1", [1], filename: "b") },
                { $0.add("attachment-1", [1], filename: "b", type: "image/png") },
                { $0.add("attachment-1", [2], filename: "b") },
                { $0.add("a-field-of-tomorrow", [1]) },
                { $0.add("a-field-of-tomorrow", [2]) },
                {
                    let html = Array($0["body-html"]!.utf8)
                    $0["body-html"] = nil
                    $0.add("body-html", html, type: "text/html; charset=iso-8859-2")
                },
                {
                    let html = Array($0["body-html"]!.utf8)
                    $0["body-html"] = nil
                    $0.add("body-html", html, type: "text/html; charset=utf-8")
                },
            ]
            changes += [{ $0 = withoutID }, { $0 = withoutID }]
            for change in changes {
                let answer = try await client.post("/mailgun", Posts.mailgun(change).multipart())
                same(answer.text, "the mail is taken\n")
            }
            same(try await client.mails().count, changes.count)
        }
    }

    @Test("that can never be taken are answered 406, since Mailgun repeats after anything else")
    func final() async throws {
        try await withInbound(try Self.services()) { client in
            func answer(_ change: (inout TestForm) -> Void) async throws -> Int {
                try await client.post("/mailgun", Posts.mailgun(change).urlencoded).status
            }
            same(try await answer { $0["body-mime"] = "no mail" }, 406)
            same(try await answer { $0["message-headers"] = "{" }, 406)
            same(
                try await answer {
                    $0["from"] = nil
                    $0["message-headers"] = nil
                }, 406)
        }
    }
}
