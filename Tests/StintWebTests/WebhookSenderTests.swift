import Foundation
import ServiceLifecycle
import Stint
import StintCore
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintWeb

@Suite("Webhooks are sent", .timeLimit(.minutes(3)))
struct WebhookSenderTests {
    private let queue = JobQueue(store: InMemoryStore())

    private func set(
        _ port: Int, _ template: Webhook.Template = .json, host: String = "127.0.0.1", allowsPrivate: Bool = true
    ) async throws -> Webhook {
        let webhook = try Webhook(
            "w", url: "http://\(host):\(port)/hook?a=b", events: ["buried"], template: template,
            allowsPrivate: allowsPrivate)
        try await queue.set(webhook)
        return webhook
    }

    private func sender() -> WebhookSender {
        var sender = WebhookSender(queue)
        sender.retry = .immediate()
        sender.lookInterval = .milliseconds(10)
        // On a busy machine an attempt that gives up too early would be a second one.
        sender.poster.timeout = .seconds(30)
        return sender
    }

    /// Runs a sender while `body` is performed.
    private func sending(_ sender: WebhookSender? = nil, _ body: () async throws -> Void) async throws {
        let running = Task { [sender = sender ?? self.sender()] in try await sender.run() }
        defer { running.cancel() }
        try await body()
    }

    /// Waits until the job has come to this state, and returns it.
    private func job(_ id: JobID, is state: JobState) async throws -> JobDetails {
        try await eventually("job \(id) is \(state)", within: .seconds(120)) {
            try await queue.store.job(id)?.record.state == state
        }
        return try #require(try await queue.store.job(id))
    }

    @Test("with a signature that a program without Stint's code verifies")
    func signature() async throws {
        let receiver = try Receiver { _ in Receiver.answer(204) }
        let webhook = try await set(receiver.port)
        try await queue.store.bury([try await queue.enqueue(payload: [1], in: "mail").id], reason: "no <such> address")
        #expect(try await queue.store.notifyWebhooks() == 1)
        try await sending {
            let request = await receiver.requests(1)[0]
            #expect(request.line == "POST /hook?a=b HTTP/1.1")
            #expect(request.headers["host"] == "127.0.0.1:\(receiver.port)")
            #expect(request.headers["content-type"] == "application/json")
            let script = """
                import base64, hashlib, hmac, json, sys, time
                given = json.load(sys.stdin)
                secret = base64.b64decode(given['secret'].removeprefix('whsec_'))
                body = bytes(given['body'])
                signed = f"{given['id']}.{given['timestamp']}.".encode() + body
                expected = 'v1,' + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
                assert hmac.compare_digest(expected, given['signature']), expected
                assert abs(time.time() - int(given['timestamp'])) < 300
                message = json.loads(body)
                assert message['version'] == 1 and message['type'] == 'buried', message
                assert message['data']['queue'] == 'mail' and message['data']['count'] == 1, message
                assert message['data']['jobs'][0]['reason'] == 'no <such> address', message
                assert message['text'] == 'mail: 1 job buried', message
                print('good')
                """
            let given: [String: Any] = [
                "secret": webhook.secret.text, "body": request.body.map(Int.init),
                "id": request.headers["webhook-id"] ?? "", "timestamp": request.headers["webhook-timestamp"] ?? "",
                "signature": request.headers["webhook-signature"] ?? "",
            ]
            let output = try Self.python(script, try JSONSerialization.data(withJSONObject: given))
            #expect(output == "good\n")
            try await eventually("it is noted", within: .seconds(20)) { try await queue.webhooks()[0].delivered == 1 }
            #expect(try await queue.webhooks()[0].lastDelivery?.status == 204)
        }
    }

    private static func python(_ script: String, _ input: Data) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let (give, take) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (give, take)
        try process.run()
        try give.fileHandleForWriting.write(contentsOf: input)
        try give.fileHandleForWriting.close()
        let output = try take.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    @Test("in the form of Slack, with its special characters escaped")
    func slack() async throws {
        let receiver = try Receiver { _ in Receiver.answer(200, body: "ok") }
        _ = try await set(receiver.port, .slack)
        for number in 1...12 {
            let id = try await queue.enqueue(payload: [1], in: "mail").id
            try await queue.store.bury([id], reason: number == 12 ? "<!channel> & more\nsecond line" : "bad")
        }
        _ = try await queue.store.notifyWebhooks()
        try await sending {
            let request = await receiver.requests(1)[0]
            let text = try #require(try JSONDecoder().decode([String: String].self, from: Data(request.body))["text"])
            let lines = text.split(separator: "\n")
            #expect(lines[0] == "mail: 12 jobs buried" && lines.count == 12 && lines[11] == "… and 2 more", "\(text)")
            #expect(lines[1] == "• job 12: &lt;!channel&gt; &amp; more", "\(text)")
        }
    }

    @Test("again after an error, with the same id, until the receiver takes it")
    func retries() async throws {
        let receiver = try Receiver { number in
            number == 1 ? Receiver.answer(500, body: "out of order") : number == 2 ? nil : Receiver.answer(200)
        }
        _ = try await set(receiver.port)
        let id = try await queue.testWebhook("w").id
        var sender = sender()
        sender.poster.timeout = .seconds(4)
        try await sending(sender) {
            let requests = await receiver.requests(3)
            #expect(Set(requests.map { $0.headers["webhook-id"] }).count == 1)
            let job = try await job(id, is: .done)
            let errors = job.failures.map(\.error)
            #expect(errors.count == 2 && errors[0].contains("the receiver has answered 500: out of order"), "\(errors)")
            #expect(errors[1].contains("has not answered in time"), "\(errors)")
            let record = try await queue.webhooks()[0]
            #expect(record.failed == 2 && record.delivered == 1 && record.lastDelivery?.error == nil)
        }
    }

    @Test("again after a connection that was refused")
    func refused() async throws {
        let port = try { try Receiver { _ in nil } }().port
        _ = try await set(port)
        let id = try await queue.testWebhook("w").id
        var sender = sender()
        sender.retry = .constant(.milliseconds(100))
        try await sending(sender) {
            try await eventually("an attempt has failed", within: .seconds(20)) {
                try await queue.store.job(id)?.failures.isEmpty == false
            }
            let receiver = try Receiver(port: port) { _ in Receiver.answer(200) }
            // The test clock of the queue does not run by itself.
            try await eventually("it is sent", within: .seconds(20)) {
                queue.store.advance(by: .seconds(1))
                return !receiver.requests.isEmpty
            }
            let job = try await job(id, is: .done)
            #expect(job.failures.first?.error.contains("no connection to 127.0.0.1") == true, "\(job.failures)")
        }
    }

    @Test("and no redirect is followed", arguments: [301, 302, 307, 308])
    func redirect(status: Int) async throws {
        let other = try Receiver { _ in Receiver.answer(200) }
        let receiver = try Receiver { [port = other.port] number in
            number == 1 ? Receiver.answer(status, "Location: http://127.0.0.1:\(port)/\r\n") : Receiver.answer(200)
        }
        _ = try await set(receiver.port)
        let id = try await queue.testWebhook("w").id
        try await sending {
            let job = try await job(id, is: .done)
            #expect(job.failures.first?.error.contains("redirects are not followed") == true, "\(job.failures)")
            #expect(other.requests.isEmpty && receiver.requests.count == 2)
        }
    }

    @Test("and one that wants no more is not asked again")
    func gone() async throws {
        let receiver = try Receiver { _ in Receiver.answer(410) }
        _ = try await set(receiver.port)
        let id = try await queue.testWebhook("w").id
        try await sending {
            let job = try await job(id, is: .buried)
            #expect(job.record.reason?.contains("the receiver has answered 410, so it wants no more") == true)
            #expect(receiver.requests.count == 1 && job.record.attempts == 1)
            // It is a job of the webhooks' own queue, so nobody is told.
            #expect(try await queue.store.notifyWebhooks() == 0)
        }
    }

    @Test("and one that is busy is asked again when it said")
    func busy() async throws {
        let receiver = try Receiver { number in
            number == 1 ? Receiver.answer(429, "Retry-After: 120\r\n") : Receiver.answer(200)
        }
        _ = try await set(receiver.port)
        let id = try await queue.testWebhook("w").id
        try await sending {
            _ = try await job(id, is: .delayed)
            queue.store.advance(by: .seconds(119))
            #expect(try await queue.store.job(id)?.record.state == .delayed)
            queue.store.advance(by: .seconds(2))
            _ = try await job(id, is: .done)
        }
    }

    @Test("but after an hour at the latest, whatever it said")
    func busyForever() async throws {
        let receiver = try Receiver { number in
            number == 1 ? Receiver.answer(503, "Retry-After: 99999999\r\n") : Receiver.answer(200)
        }
        _ = try await set(receiver.port)
        let id = try await queue.testWebhook("w").id
        try await sending {
            _ = try await job(id, is: .delayed)
            queue.store.advance(by: .seconds(3_601))
            _ = try await job(id, is: .done)
        }
    }

    @Test("of the addresses of a name, those that are refused are left out")
    func someRefused() async throws {
        var resolver = WebhookResolver()
        let texts = ["10.0.0.1", "93.184.216.34", "169.254.169.254", "2606:4700::1", "::1"]
        resolver.look = { _ in texts.compactMap { WebhookAddress($0) } }
        let url = try WebhookURL("https://hooks.example.com/")
        let found = try await resolver.addresses(of: url, allowsPrivate: false)
        #expect(found.map(\.description) == ["93.184.216.34", "2606:4700::1"])
        let more = try await resolver.addresses(of: url, allowsPrivate: true)
        #expect(more.map(\.description) == texts.filter { $0 != "169.254.169.254" })
        resolver.look = { _ in [] }
        await #expect(throws: WebhookFailure.self) { try await resolver.addresses(of: url, allowsPrivate: true) }
    }

    @Test("an answer without an end is read up to a limit, and its beginning is kept")
    func endless() async throws {
        let long = String(repeating: "x", count: 200_000)
        let receiver = try Receiver { number in
            number == 1 ? "HTTP/1.1 503 X\r\nContent-Length: 100000000\r\n\r\n\(long)" : Receiver.answer(200)
        }
        _ = try await set(receiver.port)
        let id = try await queue.testWebhook("w").id
        try await sending {
            let error = try #require(try await job(id, is: .done).failures.first?.error)
            #expect(error.hasPrefix("the receiver has answered 503: xxx") && error.count < 600, "\(error.count)")
        }
    }

    @Test("but not to this machine, whatever name it has", arguments: ["hooks.example.com", "mapped.example.com"])
    func privateAddress(host: String) async throws {
        let receiver = try Receiver { _ in Receiver.answer(200) }
        _ = try await set(receiver.port, host: host, allowsPrivate: false)
        let id = try await queue.testWebhook("w").id
        let looks = Looks(
            host.hasPrefix("mapped")
                ? [WebhookAddress("::ffff:127.0.0.1")!] : [WebhookAddress("127.0.0.1")!, WebhookAddress("::1")!])
        var sender = sender()
        sender.retry = .never
        sender.resolver.look = { _ in looks.look() }
        try await sending(sender) {
            let job = try await job(id, is: .buried)
            #expect(job.failures.first?.error.contains("is a loopback address") == true, "\(job.failures)")
            #expect(receiver.requests.isEmpty && looks.count == 1)
        }
    }

    @Test("a name is looked up once, and exactly what was found is connected to")
    func pinned() async throws {
        let receiver = try Receiver { _ in Receiver.answer(200) }
        _ = try await set(receiver.port, host: "does-not-exist.example.com")
        let id = try await queue.testWebhook("w").id
        let looks = Looks([WebhookAddress("127.0.0.1")!])
        var sender = sender()
        sender.resolver.look = { _ in looks.look() }
        try await sending(sender) {
            _ = try await job(id, is: .done)
            #expect(looks.count == 1)
            #expect(receiver.requests[0].headers["host"] == "does-not-exist.example.com:\(receiver.port)")
        }
    }

    @Test("the system's names are looked up, and localhost is this machine")
    func localhost() async throws {
        let resolver = WebhookResolver()
        let url = try WebhookURL("http://localhost/")
        let found = try await resolver.addresses(of: url, allowsPrivate: true)
        #expect(!found.isEmpty && found.allSatisfy { $0.kind == .local("a loopback address") })
        await #expect(throws: WebhookFailure.self) { try await resolver.addresses(of: url, allowsPrivate: false) }
    }

    @Test("messages of a webhook that was deleted are dropped, and what is no message is buried")
    func others() async throws {
        let receiver = try Receiver { _ in Receiver.answer(200) }
        _ = try await set(receiver.port)
        let dropped = try await queue.testWebhook("w").id
        try await queue.deleteWebhook("w")
        let other = try Webhook(
            "other", url: "http://127.0.0.1:\(receiver.port)/", events: ["disk"], allowsPrivate: true)
        try await queue.set(other)
        let foreign = try await queue.enqueue(payload: Array("hello".utf8), in: Webhook.queue).id
        try await sending {
            _ = try await job(dropped, is: .done)
            #expect(try await job(foreign, is: .buried).record.reason?.contains("no message of a webhook") == true)
            #expect(receiver.requests.isEmpty)
        }
    }
}

/// What a name resolves to, and how often it was looked up.
private final class Looks: Sendable {
    private let addresses: [WebhookAddress]
    private let counted = Mutex(0)

    var count: Int { counted.withLock { $0 } }

    init(_ addresses: [WebhookAddress]) { self.addresses = addresses }

    func look() -> [WebhookAddress] {
        counted.withLock { $0 += 1 }
        return addresses
    }
}
