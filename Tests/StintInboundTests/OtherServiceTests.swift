import Crypto
import Foundation
import StintCore
import Testing

@testable import StintInbound

@Suite("Postmark's inbound streams")
struct PostmarkTests {
    private static func services() throws -> [InboundService] {
        [try .postmark(user: Posts.postmarkUser.0, password: Posts.postmarkUser.1)]
    }

    @Test("become a mail with all its fields, once")
    func fields() async throws {
        try await withInbound(try Self.services()) { client in
            let json = Posts.postmarkMail(id: "b7bc2f4a-e38e-4336-af7d-e6c392c2f817")
            same(try await client.post("/postmark", Posts.postmark(json)).status, 200)
            same(try await client.post("/postmark", Posts.postmark(json)).text, "this mail was taken before\n")
            let mails = try await client.mails()
            let mail = try #require(mails.first)
            #expect(mails.count == 1 && mail.id == "b7bc2f4a-e38e-4336-af7d-e6c392c2f817")
            #expect(mail.from == InboundAddress(name: "Ada L Lovelace", address: "ada@example.net"))
            #expect(mail.recipients == ["reply@in.example.org"] && mail.envelopeSender == "ada@example.net")
            #expect(
                mail.subject == "Re: Größe 42" && mail.messageID == "<one@example.net>"
                    && mail.replyText == "I like it.")
            #expect(mail.date == Date(timeIntervalSince1970: 1_772_532_000) && mail.html == nil)
            #expect(mail.attachments.map(\.name) == ["a.txt"] && mail.attachments[0].content == Data("hello".utf8))
            #expect(mail.attachments[0].contentType == "text/plain" && mail.attachments[0].contentID == "a@b")
            #expect(mail.checks.spf == .pass && mail.checks.dkimDomains == ["example.net"] && mail.kind == .person)
        }
    }

    @Test("are not verified by a check of another sender than their own header says")
    func otherSender() async throws {
        try await withInbound(try Self.services()) { client in
            let json = Posts.postmarkMail().replacing(
                "envelope-from=ada@example.net", with: "envelope-from=eve@evil.example"
            )
            .replacing("DKIM_VALID_AU", with: "NO_DKIM_VALID_AU")
            same(try await client.post("/postmark", Posts.postmark(json)).status, 200)
            let mail = try #require(try await client.mails().first)
            #expect(mail.envelopeSender == "eve@evil.example" && mail.author(is: "ada@example.net") == .claimed)
        }
    }

    @Test("are refused without the user and password, before the body is read")
    func passwords() async throws {
        try await withInbound(try Self.services()) { client in
            let json = Posts.postmarkMail()
            for user in [("postmark", "long passwore"), ("postmarl", "long password"), ("", ""), ("postmark", "")] {
                same(try await client.post("/postmark", Posts.postmark(json, user: user)).status, 401)
            }
            // A wrong letter counts at each place.
            let password = Array(Posts.postmarkUser.1)
            for index in password.indices {
                var other = password
                other[index] = other[index] == "x" ? "y" : "x"
                same(
                    try await client.post("/postmark", Posts.postmark(json, user: ("postmark", String(other)))).status,
                    401)
            }
            var post = Posts.postmark(json)
            post.headers.removeLast()
            same(try await client.post("/postmark", post).status, 401)
            same(try await client.mails().count, 0)
        }
    }

    @Test("are refused if they are broken")
    func broken() async throws {
        try await withInbound(try Self.services()) { client in
            func status(_ json: String) async throws -> Int {
                try await client.post("/postmark", Posts.postmark(json)).status
            }
            same(try await status("{"), 400)
            same(try await status("[]"), 400)
            same(try await status("{}"), 400)
            same(try await status(#"{"MessageID": 7}"#), 400)
            same(try await status(#"{"MessageID": "a\u0000b"}"#), 400)
            same(try await status(String(repeating: "[", count: 100_000)), 400)
            same(try await status("[" + String(repeating: "1,", count: 100_000) + "1]"), 413)
            // Verified, and never to be taken: Postmark gives up after 403.
            same(try await status(#"{"MessageID": "1", "Attachments": [{"Content": "a"}]}"#), 403)
        }
    }
}

@Suite("SendGrid's Inbound Parse")
struct SendGridTests {
    private static func services() throws -> [InboundService] {
        [
            try .sendGrid(publicKey: Posts.sendGridPublicKey),
            try .sendGrid(user: "sendgrid", password: "long password", path: "/basic"),
        ]
    }

    @Test("becomes a mail with all its fields, once")
    func parsed() async throws {
        try await withInbound(try Self.services()) { client in
            let form = Posts.sendGrid()
            same(try await client.post("/sendgrid", try Posts.signed(form.multipart())).status, 200)
            let again = try await client.post("/sendgrid", try Posts.signed(form.multipart(boundary: "other")))
            same(again.text, "this mail was taken before\n")
            let mails = try await client.mails()
            let mail = try #require(mails.first)
            #expect(mails.count == 1)
            #expect(mail.from == InboundAddress(name: "Ada Lovelace", address: "ada@example.net"))
            #expect(mail.recipients == ["reply@in.example.org"] && mail.envelopeSender == "ada@example.net")
            #expect(mail.subject == "Re: Größe" && mail.messageID == "<one@example.net>" && mail.text == "I like it.")
            #expect(mail.references == ["<zero@example.org>"] && mail.checks.dkimDomains == ["example.net"])
            #expect(mail.attachments.map(\.name) == ["a.txt"] && mail.attachments[0].contentID == "a@b")
            #expect(mail.author(is: "ada@example.net") == .verified && mail.checks.spamScore == 0.01)
        }
    }

    @Test("gives the mail as it was sent, too")
    func raw() async throws {
        try await withInbound(try Self.services()) { client in
            var form = TestForm()
            form["email"] = Posts.source
            form["envelope"] = #"{"to":["reply@in.example.org"],"from":"ada@example.net"}"#
            form["dkim"] = "{@evil.example : pass}"
            var post = form.multipart()
            same(try await client.post("/basic", post).status, 401)
            post.headers.append(Posts.basic("sendgrid", "long password"))
            same(try await client.post("/basic", post).status, 200)
            let mail = try #require(try await client.mails().first)
            #expect(mail.text == "Schön." && mail.attachments.map(\.name) == ["a.pdf"])
            #expect(mail.author(is: "ada@example.net") == .claimed)
        }
    }

    @Test("signatures whose domains are written to look like others say nothing")
    func forgedDomains() async throws {
        try await withInbound([try .sendGrid(publicKey: Posts.sendGridPublicKey)]) { client in
            for dkim in ["{@x, @example.net : pass : fail}", "{@example.net : pass, x}", "{@example.net pass}"] {
                let form = Posts.sendGrid { $0["dkim"] = dkim }
                same(try await client.post("/sendgrid", try Posts.signed(form.multipart())).status, 200)
            }
            #expect(try await client.mails().allSatisfy { $0.checks.dkim == nil && $0.checks.dkimDomains.isEmpty })
        }
    }

    @Test("is refused without a right signature of now over the body as it came")
    func signatures() async throws {
        try await withInbound(try Self.services()) { client in
            let form = Posts.sendGrid().multipart()
            func status(_ post: TestPost) async throws -> Int { try await client.post("/sendgrid", post).status }
            same(try await status(form), 401)
            same(try await status(try Posts.signed(form, key: P256.Signing.PrivateKey())), 401)
            same(try await status(try Posts.signed(form, time: Date() - 13 * 3_600)), 403)
            same(try await status(try Posts.signed(form, time: Date() + 600)), 503)
            var changed = try Posts.signed(form)
            changed.body[changed.body.count - 20] ^= 1
            same(try await status(changed), 401)
            var later = try Posts.signed(form)
            let timestamp = "\(Int(Date().timeIntervalSince1970) - 5)"
            later.headers = later.headers.map { $0.0.hasSuffix("Timestamp") ? ($0.0, timestamp) : $0 }
            same(try await status(later), 401)
            var garbage = try Posts.signed(form)
            garbage.headers = garbage.headers.map { $0.0.hasSuffix("Signature") ? ($0.0, "AAAA") : $0 }
            same(try await status(garbage), 401)
            same(try await client.mails().count, 0)
        }
    }

    @Test("has texts in the character sets that it names")
    func charsets() async throws {
        try await withInbound(try Self.services()) { client in
            let form = Posts.sendGrid {
                $0["text"] = nil
                $0.add("text", [0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2])
                $0["html"] = nil
                $0.add("html", [0xC8, 0xD2, 0xC9, 0xD7, 0xC5, 0xD4])
                $0["charsets"] = #"{"text":"windows-1251","html":"KOI8-R"}"#
            }
            same(try await client.post("/sendgrid", try Posts.signed(form.multipart())).status, 200)
            let mail = try #require(try await client.mails().first)
            #expect(mail.text == "Привет" && mail.html == "хривет")
        }
    }

    @Test("is one mail when it comes again, and another one if any field differs, as that of a file")
    func repetitions() async throws {
        try await withInbound(try Self.services()) { client in
            let form = Posts.sendGrid()
            var others = [form, form, form]
            others[0].parts[others[0].parts.count - 1].bytes = Array("other".utf8)
            others[1].parts[others[1].parts.count - 1].filename = "b.txt"
            others[2]["a-new-field"] = "1"
            for form in [form, form] + others + others {
                same(try await client.post("/sendgrid", try Posts.signed(form.multipart())).status, 200)
            }
            same(try await client.mails().count, 4)
        }
    }
}
