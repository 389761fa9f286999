import Foundation
import NIOSSL
import StintCore
import StintPlatform
import Synchronization
import TestSupport
import Testing
import _CryptoExtras

@testable import StintInbound

/// A certificate of the tests' key for messages, and a server of an authority of their own.
final class TestAmazon: Sendable {
    let certificate: [UInt8]
    /// With the same key, for other names.
    let others: [(name: String, certificate: [UInt8])]
    private let folder: String

    static let shared = Result { try TestAmazon() }

    init() throws {
        folder = NSTemporaryDirectory() + "stint-amazon-" + String(UInt64.random(in: .min ... .max), radix: 36)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Posts.amazonKey.pemRepresentation.write(toFile: folder + "/key.pem", atomically: true, encoding: .utf8)
        try Self.openssl([
            "req", "-x509", "-key", folder + "/key.pem", "-days", "2", "-out", folder + "/cert.pem", "-subj",
            "/CN=sns.amazonaws.com", "-addext", "subjectAltName=DNS:SNS.amazonaws.com",
        ])
        certificate = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/cert.pem")))
        others = try [
            "DNS:sns-signing.eu-west-1.amazonaws.com", "DNS:sns-signing.us-east-1.amazonaws.com",
            "DNS:s3.eu-west-1.amazonaws.com", "DNS:sns.amazonaws.com.evil.example", "email:sns@amazonaws.com",
        ].map { [folder] name in
            try Self.openssl([
                "req", "-x509", "-key", folder + "/key.pem", "-days", "2", "-out", folder + "/other.pem", "-subj",
                "/CN=sns.amazonaws.com", "-addext", "subjectAltName=\(name)",
            ])
            return (name, Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/other.pem"))))
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}

private struct NoNetwork: Error {}

@Suite("Amazon SES through SNS")
struct AmazonTests {
    /// What was fetched.
    final class Fetches: Sendable {
        let urls = Mutex<[String]>([])
        let fails = Mutex(false)
        /// Made before any message that it signs: a certificate is not valid before it was made.
        private let certificate = TestAmazon.shared.map(\.certificate)

        @Sendable func get(_ url: String) async throws -> [UInt8] {
            urls.withLock { $0.append(url) }
            if fails.withLock({ $0 }) { throw NoNetwork() }
            return url.contains("Action=") ? [] : try certificate.get()
        }

        var list: [String] { urls.withLock { $0 } }
    }

    private static func run(
        _ fetches: Fetches = Fetches(), _ body: @Sendable (InboundClient, Fetches) async throws -> Void
    ) async throws {
        try await withInbound([try .amazonSES(topics: [Posts.topic], fetch: fetches.get)]) { client in
            try await body(client, fetches)
        }
    }

    @Test(
        "becomes a mail with all its fields, once, from content of each encoding", arguments: [true, false], ["1", "2"])
    func fields(isBase64: Bool, version: String) async throws {
        try await Self.run { client, fetches in
            var message = Posts.notification(isBase64: isBase64)
            message.fields["Subject"] = "Amazon SES Email Receipt Notification"
            message.fields["SignatureVersion"] = version
            same(try await client.post("/ses", try message.post).status, 200)
            same(try await client.post("/ses", try message.post).text, "this mail was taken before\n")
            let mails = try await client.mails()
            let mail = try #require(mails.first)
            #expect(mails.count == 1 && fetches.list == [Posts.certificateURL])
            #expect(mail.id == message.fields["MessageId"] && mail.text == "Schön." && mail.subject == "Re: Größe")
            #expect(mail.recipients == ["reply@in.example.org"] && mail.envelopeSender == "ada@example.net")
            #expect(mail.checks.isSpam == false && mail.checks.hasVirus == false && mail.checks.dmarc == .neutral)
            #expect(mail.attachments.map(\.name) == ["a.pdf"] && mail.author(is: "ada@example.net") == .verified)
        }
    }

    @Test("is refused without a right signature of now by a certificate of Amazon's for a topic of the list")
    func refused() async throws {
        try await Self.run { client, fetches in
            func status(_ change: (inout Posts.Message) -> Void) async throws -> Int {
                var message = Posts.notification()
                change(&message)
                return try await client.post("/ses", try message.post).status
            }
            let other = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            same(try await status { $0.fields["TopicArn"] = "arn:aws:sns:eu-west-1:123456789012:other" }, 403)
            for url in [
                "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
                "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
                "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
                "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
                "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-1.pem",
                "https://evil.example/SimpleNotificationService-1.pem",
                "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
                "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?a=.pem",
                "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-../evil.pem",
                "https://sns.eu-west-1.amazonaws.com/x/SimpleNotificationService-1.pem",
            ] {
                same(try await status { $0.fields["SigningCertURL"] = url }, 403)
            }
            same(try await status { $0 = Self.old($0, by: 13 * 3_600) }, 403)
            same(try await status { $0 = Self.old($0, by: -600) }, 503)
            same(fetches.list, [])
            same(try await status { $0.key = other }, 403)
            same(try await status { $0.fields["Signature"] = "AAAA" }, 403)
            same(try await status { $0.fields["SignatureVersion"] = "3" }, 403)
            let signed = try Posts.notification().post
            for (name, value) in [("MessageId", "other"), ("Message", "{}")] {
                var fields = try JSONDecoder().decode([String: String].self, from: Data(signed.body))
                fields[name] = value
                let changed = TestPost(headers: signed.headers, body: Array(try JSONEncoder().encode(fields)))
                same(try await client.post("/ses", changed).status, 403)
            }
            same(try await client.mails().count, 0)
        }
    }

    private static func old(_ message: Posts.Message, by age: TimeInterval) -> Posts.Message {
        var message = message
        message.fields["Timestamp"] = (Date() - age).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        return message
    }

    @Test("is refused with a certificate that is for another name, and is asked for again later")
    func names() async throws {
        let others = try TestAmazon.shared.get().others
        let now = Mutex(Date())
        for (name, certificate) in others {
            let fetches = Mutex(0)
            let isRight = name.contains("sns-signing.eu-west-1")
            try await withInbound(
                [
                    try .amazonSES(topics: [Posts.topic]) { _ in
                        fetches.withLock { $0 += 1 }
                        return certificate
                    }
                ], options: changed { $0.now = { now.withLock { $0 } } }
            ) { client in
                let answer = try await client.post("/ses", try Posts.notification().post)
                #expect(answer.status == (isRight ? 200 : 503), "\(name): \(answer)")
                #expect(isRight || answer.text.contains("sns-signing.eu-west-1.amazonaws.com or sns.amazonaws.com"))
                same(try await client.post("/ses", try Posts.notification().post).status, isRight ? 200 : 503)
                same(fetches.withLock { $0 }, 1)
                now.withLock { $0 += 31 }
                _ = try await client.post("/ses", try Posts.notification(time: now.withLock { $0 }).post)
                same(fetches.withLock { $0 }, isRight ? 1 : 2)
            }
        }
    }

    @Test("has certificates of the names that Amazon gives those of its clouds")
    func certificateNames() throws {
        func names(_ arn: String) throws -> Set<String> { try #require(AmazonTopic(arn)).certificateNames }
        #expect(
            try names("arn:aws:sns:af-south-1:123456789012:mail") == [
                "sns.amazonaws.com", "sns-signing.af-south-1.amazonaws.com",
            ])
        #expect(
            try names("arn:aws-cn:sns:cn-north-1:123456789012:mail") == [
                "sns-cn-north-1.amazonaws.com.cn", "sns-signing.cn-north-1.amazonaws.com.cn",
            ])
        #expect(
            try names("arn:aws-us-gov:sns:us-gov-east-1:123456789012:mail") == [
                "sns-us-gov-west-1.amazonaws.com", "sns-signing.us-gov-east-1.amazonaws.com",
            ])
    }

    @Test("has its certificate fetched again after a day, and is asked to repeat what one that is not valid signs")
    func certificateTimes() async throws {
        let fetches = Fetches()
        let now = Mutex(Date())
        try await withInbound(
            [try .amazonSES(topics: [Posts.topic], fetch: fetches.get)],
            options: changed { $0.now = { now.withLock { $0 } } }
        ) { client in
            func status(after time: TimeInterval) async throws -> Int {
                now.withLock { $0 += time }
                let post = try Posts.notification(time: now.withLock { $0 }).post
                return try await client.post("/ses", post).status
            }
            same(try await status(after: 0), 200)
            same(try await status(after: 86_390), 200)
            same(fetches.list.count, 1)
            same(try await status(after: 20), 200)
            same(fetches.list.count, 2)
            // It is valid for two days.
            same(try await status(after: 86_400), 503)
            same(try await status(after: -4 * 86_400), 503)
        }
    }

    @Test("that is too large for SNS is answered with where it is")
    func bucket() async throws {
        try await Self.run { client, _ in
            let action = #""type":"S3","topicArn":"x","bucketName":"mails","objectKey":"in/one""#
            let json = #"{"notificationType":"Received","receipt":{"action":{\#(action)}},"mail":{}}"#
            let answer = try await client.post("/ses", try Posts.Message("Notification", message: json).post)
            #expect(answer.status == 400 && answer.text.contains("'mails', key 'in/one' of S3"), "\(answer)")
        }
    }

    @Test("has its subscription confirmed for a topic of the list, at the topic's host only")
    func subscriptions() async throws {
        try await Self.run { client, fetches in
            func status(_ change: (inout Posts.Message) -> Void) async throws -> Int {
                var message = Posts.Message("SubscriptionConfirmation", message: "You have chosen to subscribe")
                change(&message)
                return try await client.post("/ses", try message.post).status
            }
            let good = Posts.Message("SubscriptionConfirmation", message: "").fields["SubscribeURL"]!
            // Right signatures, but a topic that nobody has listed, or another address.
            same(
                try await status {
                    $0.fields["TopicArn"] = "arn:aws:sns:eu-west-1:999999999999:mine"
                    $0.fields["SubscribeURL"] = good.replacing("123456789012:mail", with: "999999999999:mine")
                }, 403)
            for url in [
                good.replacing("https:", with: "http:"),
                good.replacing("sns.eu-west-1.amazonaws.com", with: "evil.example"),
                good.replacing(".com/", with: ".com.evil.example/"),
                good.replacing("ConfirmSubscription", with: "Unsubscribe"),
                good.replacing("123456789012:mail", with: "123456789012:other"), good + "&Action=DeleteTopic",
                good + "&X=1",
            ] {
                same(try await status { $0.fields["SubscribeURL"] = url }, 403)
            }
            same(fetches.list.filter { $0.contains("Action=") }, [])
            same(try await status { _ in }, 200)
            same(fetches.list.filter { $0.contains("Action=") }, [good])
            // The end of a subscription is noted and not undone.
            same(
                try await client.post("/ses", try Posts.Message("UnsubscribeConfirmation", message: "").post).status,
                200)
            same(fetches.list.filter { $0.contains("Action=") }, [good])
            same(try await client.mails().count, 0)
        }
    }

    @Test(
        "is asked to repeat a message whose certificate cannot be had, and the certificate is not asked for at once again"
    )
    func unreachable() async throws {
        let fetches = Fetches()
        fetches.fails.withLock { $0 = true }
        let now = Mutex(Date())
        try await withInbound(
            [try .amazonSES(topics: [Posts.topic], fetch: fetches.get)],
            options: changed { $0.now = { now.withLock { $0 } } }
        ) { client in
            let post = try Posts.notification().post
            same(try await client.post("/ses", post).status, 503)
            same(try await client.post("/ses", post).status, 503)
            same(fetches.list.count, 1)
            fetches.fails.withLock { $0 = false }
            now.withLock { $0 += 31 }
            same(try await client.post("/ses", post).status, 200)
            same(fetches.list.count, 2)
        }
    }

    @Test("answers what is no mail with words that say why")
    func otherMessages() async throws {
        try await Self.run { client, _ in
            func answer(_ message: Posts.Message) async throws -> Answer {
                try await client.post("/ses", try message.post)
            }
            let setup = Posts.Message(
                "Notification", message: "Successfully validated SNS topic for Amazon SES event publishing.")
            same(try await answer(setup).status, 200)
            same(try await answer(Posts.notification(content: nil)).status, 400)
            same(try await answer(Posts.Message("Notification", message: "hello")).status, 400)
            same(
                try await answer(Posts.Message("Notification", message: #"{"notificationType":"Bounce"}"#)).status, 400)
            same(try await answer(Posts.Message("Other", message: "")).status, 400)
            same(try await client.mails().count, 0)
        }
    }

    @Test("gets certificates from a server of a known authority only, within limits, and follows no redirect")
    func server() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        try TestAmazon.openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-keyout",
            path + "/key.pem", "-out", path + "/cert.pem", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost",
        ])
        try Data(try TestAmazon.shared.get().certificate).write(to: URL(fileURLWithPath: path + "/signing.pem"))
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-c", Self.program, path]
        (python.standardOutput, python.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try python.run()
        defer { python.terminate() }
        func port() -> String { (try? String(contentsOfFile: path + "/port", encoding: .utf8)) ?? "" }
        try await eventually("the server listens") { port().hasSuffix("\n") }
        let base = "https://localhost:\(port().dropLast())"
        await #expect(throws: (any Error).self) { try await HTTPSFetch().get(base + "/signing") }
        var fetch = HTTPSFetch()
        fetch.tls.trustRoots = .file(path + "/cert.pem")
        for wrong in ["/large", "/redirect", "/missing"] {
            await #expect(throws: (any Error).self, "\(wrong)") { try await fetch.get(base + wrong) }
        }
        fetch.timeout = .milliseconds(200)
        await #expect(throws: (any Error).self) { try await fetch.get(base + "/slow") }
        fetch.timeout = .seconds(10)
        let trusting = fetch
        try await withInbound([
            try .amazonSES(topics: [Posts.topic]) { url in try await trusting.get(base + "/signing") }
        ]) { client in
            same(try await client.post("/ses", try Posts.notification().post).status, 200)
        }
    }

    private static let program = """
        import http.server, ssl, sys, threading
        folder = sys.argv[1]
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == '/slow': threading.Event().wait(5)
                body = b'x' * 70000 if self.path == '/large' else open(folder + '/signing.pem', 'rb').read()
                self.send_response({'/redirect': 302, '/missing': 404}.get(self.path, 200))
                if self.path == '/redirect': self.send_header('Location', '/signing')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                try: self.wfile.write(body)
                except OSError: pass
            def log_message(self, *arguments): pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + '/cert.pem', folder + '/key.pem')
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with open(folder + '/port', 'w') as file: file.write(f'{server.server_port}\\n')
        server.serve_forever()
        """
}
