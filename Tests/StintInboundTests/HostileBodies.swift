import Foundation
import TestSupport

/// Bodies that nobody should send, from a seed.
struct HostileBodies {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private mutating func oneOf<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }
    private mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    // MARK: - Posts

    mutating func next() throws -> (path: String, post: TestPost) {
        switch number(0...6) {
        case 0, 1:
            var form = Posts.mailgun()
            if chance(40) {
                form["body-mime"] = nil
                form.add("body-mime", mail())
            }
            spoil(
                &form,
                [
                    "from", "subject", "body-plain", "body-html", "message-headers", "content-id-map", "recipient",
                    "sender", "attachment-1", "timestamp", "token",
                ])
            return ("/mailgun", chance(60) ? changed(form.multipart(boundary: boundary())) : changed(form.urlencoded))
        case 2, 3:
            let json =
                chance(50)
                ? Array(Posts.postmarkMail(id: "\(number(0...Int.max))", more: ",\"Attachments\":" + value(0)).utf8)
                : Array(postmark().utf8)
            var post = changed(TestPost(headers: [("content-type", "application/json")], body: json))
            post.headers.append(Posts.basic(Posts.postmarkUser.0, Posts.postmarkUser.1))
            return ("/postmark", post)
        case 4, 5:
            var form = Posts.sendGrid()
            if chance(40) { form.add("email", mail()) }
            spoil(
                &form,
                [
                    "headers", "dkim", "envelope", "charsets", "text", "html", "attachment-info", "SPF", "attachment2",
                    "to", "spam_score",
                ])
            return ("/sendgrid", try Posts.signed(changed(form.multipart(boundary: boundary()))))
        default:
            var message = Posts.notification(
                content: chance(70) ? String(decoding: mail(), as: UTF8.self) : nil, isBase64: chance(50))
            if chance(30) { message.fields["Message"] = value(0) }
            if chance(10) { message.fields[oneOf(Array(message.fields.keys).sorted())] = string() }
            let post = try message.post
            return ("/ses", chance(30) ? changed(post) : post)
        }
    }

    private mutating func boundary() -> String {
        oneOf(["x", "--", "xYz", String(repeating: "b", count: 70), "a b", "=_x", "-", "x\"y"])
    }

    private mutating func spoil(_ form: inout TestForm, _ names: [String]) {
        for _ in 0..<number(0...4) {
            let name = oneOf(names)
            if chance(15) { form[name] = nil }
            let bytes: [UInt8] =
                switch number(0...4) {
                case 0: generator.bytes(number(0...3_000))
                case 1: Array(value(0).utf8)
                case 2: mail()
                case 3: Array(header().utf8)
                default: Array(string().utf8)
                }
            if chance(70) { form[name] = nil }
            form.add(
                name, bytes, filename: chance(20) ? string().replacing("\n", with: "") : nil,
                type: chance(30) ? header().replacing("\n", with: " ") : nil)
        }
        if chance(2) { for index in 0..<number(100...400) { form["f\(index)"] = "" } }
    }

    /// With bytes that are others, gone, doubled or cut off.
    private mutating func changed(_ post: TestPost) -> TestPost {
        var post = post
        if chance(8) {
            post.headers = [
                (
                    "content-type",
                    oneOf([
                        "", "multipart/form-data", "multipart/form-data; boundary=",
                        "multipart/form-data; boundary=\"x", "text/plain", "application/x-www-form-urlencoded",
                        "application/json; charset=utf-16", "multipart/form-data; boundary=zzz",
                    ])
                )
            ]
        }
        guard chance(50) else { return post }
        for _ in 0..<number(1...6) where !post.body.isEmpty {
            let place = number(0...post.body.count - 1)
            let end = min(post.body.count, place + number(1...200))
            switch number(0...5) {
            case 0: post.body[place] = UInt8(number(0...255))
            case 1: post.body.removeSubrange(place..<end)
            case 2: post.body.insert(contentsOf: post.body[place..<end], at: place)
            case 3: post.body.insert(contentsOf: generator.bytes(number(1...20)), at: place)
            case 4: post.body[place] = oneOf([0, 0x0A, 0x0D, 0x22, 0x2D, 0x3B, 0x25, 0x5C, 0xFF])
            default: if chance(30) { post.body.removeSubrange(place...) }
            }
        }
        return post
    }

    // MARK: - Texts

    private static let strings = [
        "", "\0", "\u{FEFF}", "a\u{301}\u{1F468}\u{200D}\u{1F469}", "<>", "<@>", "\"", "\\", "=?utf-8?Q?=",
        "=?x?B?////?=", "<<<<a@b>>>>", "99999999999999999999", "-1", "1e999", "NaN",
        "Mon, 99 Foo 99999 99:99:99 +9999", "\r\n\r\n", "--x--\r\n", "On 1 @ wrote:\n> a\n",
    ]

    /// Makes only the one that is chosen: some take long.
    private mutating func string() -> String {
        switch number(0...23) {
        case 0: String(repeating: "(", count: number(1...5_000))
        case 1: String(repeating: "<a@b>,", count: number(1...2_000))
        case 2: String(repeating: "=?utf-8?B?4oKs?= ", count: number(1...500))
        case 3: String(repeating: "a:b;", count: number(1...500))
        case 4: String(decoding: generator.bytes(number(0...400)), as: UTF8.self)
        default: oneOf(Self.strings)
        }
    }

    private static let names = [
        "From", "To", "Subject", "Date", "Message-ID", "References", "Content-Type", "Content-Disposition",
        "Auto-Submitted", "Content-Transfer-Encoding", "Return-Path", "X-Failed-Recipients", "Received", "", "X Y", ":",
        "Content-ID", "Cc",
    ]
    private static let values = [
        "multipart/report; report-type=delivery-status; boundary=x", "multipart/mixed; boundary=\"x\"",
        "message/rfc822", "text/html; name*0*=utf-8''%C3; name*1*=%A4; name*0=x", "base64", "message/delivery-status",
        "x-uuencode", "quoted-printable", "multipart/digest", "multipart/encrypted; boundary=x",
        "multipart/signed; boundary=x", "message/partial; id=x; number=1", "text/rfc822-headers",
        "application/pgp-encrypted", "message/external-body; access-type=x", "binary",
    ]

    private mutating func header() -> String {
        let value =
            switch number(0...19) {
            case 0: string()
            case 1: "text/plain; charset=\(string())"
            case 2: "attachment; filename*=\(string())"
            case 3: "=?gb2312?B?\(string())?="
            default: oneOf(Self.values)
            }
        return "\(oneOf(Self.names)): \(value)\r\n"
    }

    private mutating func mail() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(chance(3) ? number(500...3_000) : number(0...12)) { bytes += header().utf8 }
        switch number(0...6) {
        case 0:
            // Parts within parts.
            let depth = chance(20) ? number(100...1_000) : number(1...40)
            for level in 0..<depth {
                bytes += "Content-Type: multipart/mixed; boundary=b\(level)\r\n\r\n--b\(level)\r\n".utf8
            }
            bytes += "\r\nx\r\n".utf8
        case 1:
            for _ in 0..<number(1...400) { bytes += "Content-Type: message/rfc822\r\n\r\n".utf8 }
        case 2:
            bytes += "Content-Type: multipart/mixed; boundary=x\r\n\r\n".utf8
            for _ in 0..<number(1...(chance(10) ? 1_000 : 20)) {
                bytes += "--x\r\n\(header())\(header())\r\n".utf8
                bytes += generator.bytes(number(0...100))
                bytes += "\r\n".utf8
            }
            if chance(50) { bytes += "--x--".utf8 }
        case 3:
            bytes +=
                "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n"
                .utf8
            for _ in 0..<number(0...50) {
                bytes +=
                    "\(oneOf(["Final-Recipient", "Status", "Action", "Diagnostic-Code", ""])): \(string())\r\n\(chance(30) ? "\r\n" : "")"
                    .utf8
            }
            bytes += "--x--\r\n".utf8
        case 4:
            bytes += "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n".utf8
            bytes += generator.bytes(number(0...2_000))
        case 5: bytes += String(repeating: "\r\n--x", count: number(1...(chance(5) ? 30_000 : 200))).utf8
        default:
            bytes += "\r\n".utf8
            bytes += generator.bytes(number(0...2_000))
        }
        return bytes
    }

    // MARK: - JSON

    private mutating func value(_ depth: Int) -> String {
        switch number(0...(depth > 6 ? 4 : 9)) {
        case 0:
            return oneOf([
                "null", "true", "1", "-0", "1e9999", "123456789012345678901234567890", "0.0000001", "tru", "\u{FEFF}1",
            ])
        case 1: return text()
        case 2: return "[]"
        case 3: return "{}"
        case 4:
            return chance(3)
                ? String(repeating: oneOf(["[", "{\"a\":", "[{\"a\":"]), count: number(10...20_000)) : "\"\""
        case 5, 6: return "[" + (0..<number(0...5)).map { _ in value(depth + 1) }.joined(separator: ",") + "]"
        case 7: return chance(3) ? "[" + String(repeating: "1,", count: number(1_000...100_000)) + "1]" : "[1,[2]]"
        default:
            return "{" + (0..<number(0...5)).map { _ in text() + ":" + value(depth + 1) }.joined(separator: ",") + "}"
        }
    }

    private mutating func text() -> String {
        let raw =
            number(0...10) == 0
            ? string()
            : oneOf([
                "attachment1", "MessageID", "Content", "to", "from", "Name", "Value", "mail", "receipt", "content",
            ])
        if chance(10) {
            return oneOf(["\"\\ud800\"", "\"\\u0000\"", "\"\\x\"", "\"", "\"\u{1}\"", "\"\\udc00\\ud800\""])
        }
        return (try? JSONEncoder().encode(raw)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }

    private mutating func postmark() -> String {
        var names = [
            "From", "FromFull", "To", "ToFull", "CcFull", "Subject", "Date", "TextBody", "HtmlBody", "Headers",
            "Attachments", "OriginalRecipient",
        ]
        names.shuffle(using: &generator)
        return "{\"MessageID\":\(chance(90) ? "\"m\(number(0...Int.max))\"" : value(0))"
            + names.prefix(number(0...6)).map { ",\"\($0)\":\(value(0))" }.joined() + "}"
    }
}
