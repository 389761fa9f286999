import Crypto
import Foundation
import _CryptoExtras

/// A form that a service would post.
struct TestForm {
    struct Part {
        var name: String
        var bytes: [UInt8]
        var filename: String?
        var type: String?
    }

    var parts: [Part] = []

    subscript(_ name: String) -> String? {
        get { parts.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) } }
        set {
            parts.removeAll { $0.name == name }
            if let newValue { parts.append(Part(name: name, bytes: Array(newValue.utf8))) }
        }
    }

    mutating func add(_ name: String, _ bytes: [UInt8], filename: String? = nil, type: String? = nil) {
        parts.append(Part(name: name, bytes: bytes, filename: filename, type: type))
    }

    var urlencoded: TestPost {
        func escaped(_ bytes: [UInt8]) -> String {
            bytes.map { byte in
                let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) && byte < 0x80
                return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        }
        let text = parts.map { escaped(Array($0.name.utf8)) + "=" + escaped($0.bytes) }.joined(separator: "&")
        return TestPost(headers: [("content-type", "application/x-www-form-urlencoded")], body: Array(text.utf8))
    }

    func multipart(boundary: String = "xYzZY") -> TestPost {
        var body: [UInt8] = []
        for part in parts {
            body += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part.name)\"".utf8
            if let filename = part.filename { body += "; filename=\"\(filename)\"".utf8 }
            body += "\r\n".utf8
            if let type = part.type { body += "Content-Type: \(type)\r\n".utf8 }
            body += "\r\n".utf8
            body += part.bytes
            body += "\r\n".utf8
        }
        body += "--\(boundary)--\r\n".utf8
        return TestPost(headers: [("content-type", "multipart/form-data; boundary=\(boundary)")], body: body)
    }
}

enum Posts {
    static let mailgunKey = "key-of-the-tests"

    /// The signature of Mailgun.
    static func sign(
        _ form: inout TestForm, key: String = mailgunKey, token: String = UUID().uuidString, time: Date = Date()
    ) {
        let timestamp = "\(Int(time.timeIntervalSince1970))"
        form["timestamp"] = timestamp
        form["token"] = token
        form["signature"] = HMAC<SHA256>.authenticationCode(
            for: Data((timestamp + token).utf8), using: SymmetricKey(data: Data(key.utf8))
        ).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func mailgun(_ change: (inout TestForm) -> Void = { _ in }) -> TestForm {
        var form = TestForm()
        form["recipient"] = "reply@in.example.org"
        form["sender"] = "ada@example.net"
        form["from"] = "Ada Lovelace <ada@example.net>"
        form["subject"] = "Re: Größe 42"
        form["body-plain"] =
            "I like it.\n\nOn Tue, 3 Mar 2026 at 10:00, Shop <shop@example.org> wrote:\n> Is it right?\n"
        form["body-html"] = "<p>I like it.</p>"
        form["message-headers"] =
            #"[["From","Ada Lovelace <ada@example.net>"],["To","Shop <reply@in.example.org>"],["Subject","Re: Größe 42"],["Message-Id","<one@example.net>"],["In-Reply-To","<zero@example.org>"],["References","<first@example.org> <zero@example.org>"],["Date","Tue, 3 Mar 2026 11:00:00 +0100"],["X-Mailgun-Spf","Pass"],["X-Mailgun-Dkim-Check-Result","Pass"],["X-Mailgun-Sscore","-0.4"],["X-Mailgun-Sflag","No"]]"#
        change(&form)
        sign(&form)
        return form
    }

    // MARK: - Postmark

    static let postmarkUser = ("postmark", "long password")

    static func basic(_ user: String, _ password: String) -> (String, String) {
        ("authorization", "Basic " + Data("\(user):\(password)".utf8).base64EncodedString())
    }

    static func postmark(_ json: String, user: (String, String) = postmarkUser) -> TestPost {
        TestPost(headers: [("content-type", "application/json"), basic(user.0, user.1)], body: Array(json.utf8))
    }

    static func postmarkMail(id: String = UUID().uuidString, more: String = "") -> String {
        """
        {"FromName": "Ada", "MessageStream": "inbound", "From": "ada@example.net",
         "FromFull": {"Email": "ada@example.net", "Name": "Ada \\"L\\" Lovelace", "MailboxHash": ""},
         "To": "reply@in.example.org", "ToFull": [{"Email": "reply@in.example.org", "Name": "", "MailboxHash": ""}],
         "Cc": "", "CcFull": [], "Bcc": "", "BccFull": [], "OriginalRecipient": "reply@in.example.org",
         "ReplyTo": "", "Subject": "Re: Größe 42", "MessageID": "\(id)", "Date": "Tue, 3 Mar 2026 11:00:00 +0100",
         "MailboxHash": "", "TextBody": "I like it.\\n\\n-- \\nAda", "HtmlBody": "", "StrippedTextReply": "", "Tag": "",
         "Headers": [{"Name": "Return-Path", "Value": "<ada@example.net>"}, {"Name": "Message-ID", "Value": "<one@example.net>"},
          {"Name": "Received-SPF", "Value": "Pass (sender SPF authorized) identity=mailfrom; client-ip=192.0.2.1; helo=mx.example.net; envelope-from=ada@example.net; receiver=reply@in.example.org"}, {"Name": "X-Spam-Score", "Value": "-0.1"},
          {"Name": "X-Spam-Status", "Value": "No"}, {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU"}],
         "Attachments": [{"Name": "a.txt", "Content": "aGVsbG8=", "ContentType": "text/plain; charset=utf-8", "ContentLength": 5, "ContentID": "a@b"}]\(more)}
        """
    }

    // MARK: - SendGrid

    static let sendGridKey = P256.Signing.PrivateKey()
    static var sendGridPublicKey: String { sendGridKey.publicKey.derRepresentation.base64EncodedString() }

    static func signed(_ post: TestPost, key: P256.Signing.PrivateKey = sendGridKey, time: Date = Date()) throws
        -> TestPost
    {
        let timestamp = "\(Int(time.timeIntervalSince1970))"
        let signature = try key.signature(for: Data(timestamp.utf8) + Data(post.body))
        var post = post
        post.headers += [
            ("X-Twilio-Email-Event-Webhook-Timestamp", timestamp),
            ("X-Twilio-Email-Event-Webhook-Signature", signature.derRepresentation.base64EncodedString()),
        ]
        return post
    }

    static func sendGrid(_ change: (inout TestForm) -> Void = { _ in }) -> TestForm {
        var form = TestForm()
        form["headers"] =
            "Received: by mx.example.com; Tue, 3 Mar 2026 10:00:01 +0000\nFrom: Ada Lovelace <ada@example.net>\nTo: reply@in.example.org\nSubject: =?utf-8?Q?Re:_Gr=C3=B6=C3=9Fe?=\nMessage-ID: <one@example.net>\nReferences: <zero@example.org>\nDate: Tue, 3 Mar 2026 11:00:00 +0100\n"
        form["dkim"] = "{@example.net : pass}"
        form["to"] = "reply@in.example.org"
        form["from"] = "Ada Lovelace <ada@example.net>"
        form["text"] = "I like it."
        form["html"] = "<p>I like it.</p>"
        form["sender_ip"] = "192.0.2.1"
        form["envelope"] = #"{"to":["reply@in.example.org"],"from":"ada@example.net"}"#
        form["attachments"] = "1"
        form["subject"] = "Re: Größe"
        form["spam_score"] = "0.01"
        form["charsets"] = #"{"to":"UTF-8","from":"UTF-8","subject":"UTF-8","text":"utf-8","html":"utf-8"}"#
        form["SPF"] = "pass"
        form["attachment-info"] =
            #"{"attachment1":{"filename":"a.txt","name":"a.txt","type":"text/plain","content-id":"a@b"}}"#
        change(&form)
        form.add("attachment1", Array("hello".utf8), filename: "a.txt", type: "text/plain")
        return form
    }

    // MARK: - Amazon

    static let topic = "arn:aws:sns:eu-west-1:123456789012:mail"
    static let certificateURL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem"
    static let amazonKey = try! _RSA.Signing.PrivateKey(keySize: .bits2048)

    struct Message {
        var fields: [String: String] = [:]
        var key = Posts.amazonKey
        var isSigned = true

        init(_ type: String, message: String, time: Date = Date()) {
            fields = [
                "Type": type, "MessageId": UUID().uuidString.lowercased(), "TopicArn": Posts.topic, "Message": message,
                "Timestamp": time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
                "SignatureVersion": "2", "SigningCertURL": Posts.certificateURL,
            ]
            if type != "Notification" {
                fields["Token"] = "2336412f37fb"
                fields["SubscribeURL"] =
                    "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=\(Posts.topic)&Token=2336412f37fb"
            }
        }

        var post: TestPost {
            get throws {
                var fields = fields
                let names =
                    fields["Type"] == "Notification"
                    ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
                    : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
                let text = names.compactMap { name in fields[name].map { "\(name)\n\($0)\n" } }.joined()
                if fields["Signature"] == nil {
                    let data = Data(text.utf8)
                    let signature =
                        fields["SignatureVersion"] == "1"
                        ? try key.signature(for: Insecure.SHA1.hash(data: data), padding: .insecurePKCS1v1_5)
                        : try key.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
                    fields["Signature"] = signature.rawRepresentation.base64EncodedString()
                }
                return TestPost(
                    headers: [("content-type", "text/plain; charset=UTF-8")],
                    body: Array(try JSONEncoder().encode(fields)))
            }
        }
    }

    static let source =
        "From: Ada Lovelace <ada@example.net>\r\nTo: reply@in.example.org\r\nSubject: =?utf-8?Q?Re:_Gr=C3=B6=C3=9Fe?=\r\nMessage-ID: <one@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6n.\r\n--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n"

    static func notification(content: String? = source, isBase64: Bool = false, time: Date = Date()) -> Message {
        var receipt: [String: Any] = [
            "recipients": ["reply@in.example.org"], "spamVerdict": ["status": "PASS"],
            "virusVerdict": ["status": "PASS"],
            "spfVerdict": ["status": "PASS"], "dkimVerdict": ["status": "PASS"], "dmarcVerdict": ["status": "GRAY"],
        ]
        receipt["action"] = ["type": "SNS", "topicArn": topic, "encoding": isBase64 ? "BASE64" : "UTF8"]
        var object: [String: Any] = [
            "notificationType": "Received", "receipt": receipt,
            "mail": ["source": "ada@example.net", "messageId": "abc", "destination": ["reply@in.example.org"]],
        ]
        object["content"] = isBase64 ? content.map { Data($0.utf8).base64EncodedString() } : content
        let json = try! JSONSerialization.data(withJSONObject: object)
        return Message("Notification", message: String(decoding: json, as: UTF8.self), time: time)
    }
}
