import Foundation
import StintCatcher
import StintMailbox
import TestSupport
import Testing

@Suite("A caught mail is read")
struct ReaderTests {
    private let reader = GMimeReader()

    private func read(_ lines: String...) -> MailContents {
        reader.contents(of: Array(lines.joined(separator: "\r\n").utf8))
    }

    @Test("headers and text, also with other than ASCII characters")
    func text() {
        let mail = read(
            "From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>", "To: a@b", "Subject: =?iso-8859-1?b?R3L832U=?=",
            "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: quoted-printable", "",
            "Sch=F6n=", "!")
        #expect(mail.header("from") == "Zoë <zoe@example.org>" && mail.header("subject") == "Grüße")
        #expect(mail.header("content-type").hasPrefix("text/plain"))
        #expect(mail.text?.text == "Schön!" && mail.html == nil && mail.problems.isEmpty)
        #expect(mail.summary.subject == "Grüße" && mail.summary.attachments == 0)
    }

    private static let rich = """
        Subject: rich
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=m

        --m
        Content-Type: multipart/related; boundary=r

        --r
        Content-Type: multipart/alternative; boundary=a

        --a
        Content-Type: text/plain; charset=utf-8

        See https://example.org/a?b=1, or (http://example.org).
        --a
        Content-Type: text/html; charset=utf-8

        <p>See <a href="https://example.org/a?b=1&amp;c=2">it</a> <img src="cid:p@x"><img src='cid:none'>
        <a href=javascript:alert(1)>no</a></p>
        --a--
        --r
        Content-Type: image/png
        Content-ID: <p@x>
        Content-Transfer-Encoding: base64

        iVBORw0KGgo=
        --r--
        --m
        Content-Type: text/plain
        Content-Disposition: attachment; filename*=utf-8''na%C3%AFve.txt

        attached
        --m
        Content-Type: message/rfc822

        Subject: inner

        hello
        --m--
        """.replacing("\n", with: "\r\n")

    @Test("the parts of a mail with text, HTML, pictures, attachments and another mail")
    func parts() throws {
        let bytes = Array(Self.rich.utf8)
        let mail = reader.contents(of: bytes)
        #expect(mail.text?.text.hasPrefix("See https://example.org") == true)
        #expect(mail.html?.text.hasPrefix("<p>See") == true)
        #expect(mail.attachments.map(\.name) == ["part-3.png", "naïve.txt", "inner.eml"])
        #expect(mail.attachments.map(\.type) == ["image/png", "text/plain", "message/rfc822"])
        #expect(mail.attachments.map(\.part) == [3, 4, 5])
        #expect(reader.attachment(4, of: bytes).map { String(decoding: $0, as: UTF8.self) } == "attached")
        #expect(reader.attachment(3, of: bytes) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        #expect(
            reader.attachment(5, of: bytes).map { String(decoding: $0, as: UTF8.self) }?.contains("Subject: inner")
                == true)
        #expect(reader.attachment(9, of: bytes) == nil)
        let document = try #require(reader.document(of: bytes))
        #expect(document.contains("src=\"data:image/png;base64,iVBORw0KGgo=\"") && document.contains("'cid:none'"))
        #expect(
            mail.links == [
                "https://example.org/a?b=1&c=2", "javascript:alert(1)", "https://example.org/a?b=1",
                "http://example.org",
            ])
    }

    @Test("a text without a character set, or with a wrong or unknown one, is shown all the same")
    func characterSets() {
        var mail = reader.contents(of: Array("Subject: x\r\n\r\n".utf8) + [0x53, 0xFC, 0x64])
        #expect(mail.text?.text == "Süd" && mail.problems.count == 1)
        mail = reader.contents(of: Array("Content-Type: text/plain; charset=utf-8\r\n\r\n".utf8) + [0x53, 0xFC, 0x64])
        #expect(mail.text?.text == "Süd" && mail.problems.count == 1)
        mail = read("Content-Type: text/plain; charset=x-nonsense", "", "Süd")
        #expect(mail.text?.text == "Süd" && mail.problems == ["The character set “x-nonsense” of a text is not known."])
        mail = reader.contents(
            of: Array("Content-Type: text/plain; charset=utf-16\r\n\r\n".utf8) + [0xFF, 0xFE, 0x41, 0, 0xD8])
        #expect(mail.text != nil)
    }

    @Test("nothing is no mail, and noise is read")
    func noise() {
        _ = reader.contents(of: [])
        #expect(reader.document(of: []) == nil && reader.attachment(1, of: []) == nil)
        var generator = SeededGenerator(seed: chosenSeed())
        for _ in 0..<500 {
            var bytes = Array(Self.rich.utf8)
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 7))
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 30)], at: place)
                }
            }
            let mail = reader.contents(of: bytes)
            for attachment in mail.attachments { _ = reader.attachment(attachment.part, of: bytes) }
            _ = reader.document(of: bytes)
        }
    }

    // MARK: - Mails that were made to harm

    @Test("100,000 headers are not read, but the first of them")
    func manyHeaders() {
        let bytes =
            Array("Subject: many\r\n".utf8) + Array(String(repeating: "X-Header: value\r\n", count: 100_000).utf8)
            + Array("\r\ntext".utf8)
        let mail = reader.contents(of: bytes)
        #expect(mail.header("subject") == "many" && mail.headers.count == 100)
        #expect(mail.problems.first?.hasPrefix("Its headers have more than 2000 lines") == true && mail.text == nil)
        let long = reader.contents(of: Array("Subject: ".utf8) + [UInt8](repeating: 0x61, count: 5_000_000))
        #expect(long.problems.first?.hasPrefix("Its headers have more than 262144 bytes") == true)
    }

    @Test("many headers of a part are not read, nor those of a mail within the mail")
    func manyHeadersOfParts() {
        let headers = String(repeating: "a:\r\n", count: 20_000)
        for start in [
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n", "Content-Type: message/rfc822\r\n\r\n",
            "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n",
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type:\r\n message/rfc822\r\n\r\n",
        ] {
            let mail = reader.contents(of: Array((start + headers).utf8))
            #expect(mail.problems.first?.hasPrefix("The headers of its parts have more than 10000 lines") == true)
        }
        let text = read("Subject: x", "", String(repeating: "a:\r\n", count: 20_000))
        #expect(text.problems.isEmpty && text.text != nil)
        let named = read("Content-Type: text/plain; name=message.txt", "", String(repeating: "a:\r\n", count: 20_000))
        #expect(named.problems.isEmpty && named.attachments.count == 1)
    }

    @Test("a picture that is named often is in the HTML as often as there is room")
    func manyPictures() throws {
        let picture = String(repeating: "A", count: 4_000_000)
        let mail =
            "Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n"
            + String(repeating: "<img src='cid:p@x'>", count: 400) + "\r\n--r\r\nContent-Type: image/png\r\n"
            + "Content-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n\(picture)\r\n--r--\r\n"
        let document = try #require(reader.document(of: Array(mail.utf8)))
        // 3 MB, and 8 MiB is the most.
        #expect(document.utf8.count > 8_000_000 && document.utf8.count < 12_000_000)
    }

    @Test("a mail of 100,000 nested parts, or mails, or parts beside one another, is not read")
    func nesting() {
        var nested = ""
        for level in 0..<100_000 {
            nested += "Content-Type: multipart/mixed; boundary=b\(level)\r\n\r\n--b\(level)\r\n"
        }
        #expect(reader.contents(of: Array(nested.utf8)).problems.first?.hasPrefix("It has more than 250 parts") == true)
        let mails = String(repeating: "Content-Type: message/rfc822\r\n\r\n", count: 100_000)
        #expect(reader.contents(of: Array(mails.utf8)).problems.first?.hasPrefix("It has more than 250 parts") == true)
        let beside =
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n" + String(repeating: "--x\r\n\r\n\r\n", count: 100_000)
        #expect(
            reader.contents(of: Array(beside.utf8)).problems.first?.hasPrefix("It has more than 20000 lines") == true)
        let digest =
            "Content-Type: multipart/digest; boundary=x\r\n\r\n" + String(repeating: "--x\r\n\r\n\r\n", count: 10_000)
        #expect(reader.contents(of: Array(digest.utf8)).attachments.count <= 300)
    }

    @Test("a mail that is nested as deeply as is allowed is read")
    func deep() {
        var nested = ""
        for level in 0..<240 { nested += "Content-Type: multipart/mixed; boundary=b\(level)\r\n\r\n--b\(level)\r\n" }
        let mail = reader.contents(of: Array((nested + "\r\nx").utf8))
        #expect(mail.problems == ["It has more parts than are read; those beyond are in its source."])
    }

    @Test(
        "words of Base64 with padding that follow each other are all read",
        arguments: [
            ("=?utf-8?b?0JPQvtGA0Ys=?=\r\n =?utf-8?b?INC4INC80L7RgNC1?=", "Горы и море"),
            ("=?utf-8?b?YQ==?= =?utf-8?b?Yg==?= =?iso-8859-1?q?=E9?= c", "abé c"),
            ("=?utf-8?b?YQ==?= b =?utf-8?b?Yw==?=", "a b c"),
            ("=?utf-8?b?YQ==?=", "a"),
            ("=?= =?", "=?= =?"),
        ])
    func paddedWords(raw: String, text: String) {
        let mail = read("Subject: \(raw)", "From: \(raw) <a@b.example>", "", "x")
        #expect(mail.header("subject") == text)
        #expect(mail.header("from") == "\(text) <a@b.example>")
    }

    @Test("a long text is cut, and a long subject in a list")
    func long() {
        let text = String(repeating: "0123456789abcde\r\n", count: 200_000)
        let mail = read("Subject: \(String(repeating: "ä", count: 900))", "Content-Type: text/html", "", text)
        #expect(mail.html?.isCut == true && mail.html?.text.utf8.count == 1_048_576)
        #expect(mail.summary.subject.utf8.count <= 500 && mail.summary.subject.hasSuffix("…"))
        let combining = read("Subject: a\(String(repeating: "\u{301}", count: 50_000))", "", "x")
        #expect(combining.summary.subject.utf8.count <= 500)
    }

    @Test("ten thousand links and pictures take no more than a few hundred")
    func manyLinks() {
        let html =
            String(repeating: "<a href='http://x/", count: 1)
            + (0..<10_000).map { "<a href='http://x/\($0)'>x</a><img src='cid:\($0)'>" }.joined()
        let mail = read("Content-Type: text/html", "", html)
        #expect(mail.links.count == 200)
        #expect(reader.document(of: Array("Content-Type: text/html\r\n\r\n\(html)".utf8)) != nil)
    }
}
