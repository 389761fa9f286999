import Foundation
import NIOCore
import NIOPosix
import Stint
import StintCore
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintInbound

@Suite("A mail that was taken")
struct DurabilityTests {
    private static func services() throws -> [InboundService] { [try .mailgun(signingKeys: [Posts.mailgunKey])] }

    @Test("is in the database file when the service gets its answer, and a worker gets it")
    func onDisk() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let queue = try await JobQueue(.sqlite(path))
        try await withInbound(queue, try Self.services()) { client in
            same(try await client.post("/mailgun", Posts.mailgun().multipart()).status, 200)
            // Another connection reads what is committed.
            let other = try await JobQueue(.sqlite(path))
            let stats = try await other.store.stats().first { $0.name == "inbound" }
            #expect(stats?.ready == 1)
            let received = Mutex<InboundMail?>(nil)
            var options = Worker.Options()
            options.drains = true
            var worker = Worker(other, queues: ["inbound"], concurrency: 1, options: options)
            worker.registerJob(InboundMail.self) { mail, _ in received.withLock { $0 = mail } }
            try await worker.run()
            #expect(received.withLock { $0 }?.replyText == "I like it.")
            await other.close()
        }
        await queue.close()
    }

    @Test("was put into a queue that works: otherwise the answer is 503, and the service repeats it")
    func closed() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await withInbound(queue, try Self.services()) { client in
            await queue.close()
            let answer = try await client.post("/mailgun", Posts.mailgun().urlencoded)
            same(answer.status, 503)
            #expect(answer.retryAfter != nil && !answer.text.contains("/"))
        }
    }

    @Test("comes again after its job is done, and is known for a day")
    func afterDone() async throws {
        let queue = JobQueue(store: InMemoryStore())
        try await withInbound(queue, try Self.services()) { client in
            let form = Posts.mailgun()
            same(try await client.post("/mailgun", form.urlencoded).status, 200)
            let id = try await queue.store.page(JobFilter(queue: "inbound"), after: nil).jobs[0].id
            try await queue.delete([id])
            same(try await client.post("/mailgun", form.urlencoded).text, "this mail was taken before\n")
            same(try await client.mails().count, 0)
        }
    }
}

@Suite("The limits of posted mails")
struct LimitTests {
    private static func services() throws -> [InboundService] {
        [
            try .mailgun(signingKeys: [Posts.mailgunKey]),
            try .postmark(user: Posts.postmarkUser.0, password: Posts.postmarkUser.1),
        ]
    }

    @Test("refuse a body that is too large, announced or not, and a form of too many fields")
    func body() async throws {
        try await withInbound(
            try Self.services(),
            options: changed {
                $0.limits.bodyBytes = 10_000
                $0.limits.fields = 20
            }
        ) { client in
            let large = Posts.mailgun { $0["body-plain"] = String(repeating: "a", count: 20_000) }
            same(try await client.post("/mailgun", large.urlencoded).status, 413)
            let many = Posts.mailgun { form in for number in 0..<30 { form["x\(number)"] = "" } }
            same(try await client.post("/mailgun", many.urlencoded).status, 413)
            same(try await client.post("/mailgun", many.multipart()).status, 413)
            same(try await client.post("/mailgun", Posts.mailgun().urlencoded).status, 200)
            same(client.webhooks.budget(of: "/mailgun")?.bytes, 0)
        }
    }

    @Test("leave out attachments and headers, and cut texts, and say so")
    func leftOut() async throws {
        try await withInbound(
            try Self.services(),
            options: changed {
                $0.limits.attachments = 2
                $0.limits.attachmentBytes = 100
                $0.limits.attachmentBytesInAll = 150
                $0.limits.textBytes = 50
                $0.limits.headers = 5
            }
        ) { client in
            let form = Posts.mailgun { form in
                form["body-plain"] = String(repeating: "ä", count: 100)
                for size in [101, 90, 80, 50, 10] {
                    form.add("attachment-\(size)", Array(repeating: 1, count: size), filename: "\(size)")
                }
            }
            same(try await client.post("/mailgun", form.multipart()).status, 200)
            let mail = try #require(try await client.mails().first)
            #expect(mail.attachments.map(\.name) == ["90", "50"] && mail.omitted.map(\.name) == ["101", "80", "10"])
            #expect(
                mail.omitted.map(\.bytes) == [101, 80, 10] && mail.isTextCut
                    && mail.text == String(repeating: "ä", count: 25))
            #expect(mail.headers.count == 5)
        }
    }

    @Test("leave out attachments that no job has room for")
    func job() async throws {
        try await withInbound(
            try Self.services(),
            options: changed {
                $0.limits.attachmentBytes = 30 * 1_048_576
                $0.limits.attachmentBytesInAll = 30 * 1_048_576
            }
        ) { client in
            let form = Posts.mailgun { form in
                form.add("attachment-1", Array(repeating: 1, count: 12_700_000), filename: "large")
                form.add("attachment-2", Array(repeating: 1, count: 1_000), filename: "small")
            }
            same(try await client.post("/mailgun", form.multipart()).status, 200)
            let mail = try #require(try await client.mails().first)
            #expect(mail.attachments.map(\.name) == ["small"] && mail.omitted.map(\.name) == ["large"])
        }
    }

    /// Sends the beginning of a body and no more: the answer comes nevertheless, and the place is free again.
    private static func endsUnfinishedBody(_ client: InboundClient) async throws {
        let slow = try await RawClient.connect(client.port)
        let head = "POST /inbound/mailgun HTTP/1.1\r\nHost: x\r\nContent-Type: x\r\nContent-Length: 1000\r\n\r\nabc"
        let answer = try await slow.answer(to: head)
        #expect(answer.contains(" 503 "), "\(answer)")
        try await eventually("the place is free") { client.webhooks.budget(of: "/mailgun")?.requests == 0 }
    }

    @Test("end a body that comes too slowly, and free its place")
    func slow() async throws {
        try await withInbound(
            try Self.services(),
            options: changed {
                $0.limits.bodyTime = .milliseconds(100)
                $0.limits.requests = 1
            }
        ) { client in
            try await Self.endsUnfinishedBody(client)
            same(try await client.post("/mailgun", Posts.mailgun().urlencoded).status, 200)
        }
    }

    @Test("answer 503 to requests beyond those at once, and beyond the bytes of all")
    func together() async throws {
        try await withInbound(try Self.services(), options: changed { $0.limits.requests = 1 }) { client in
            let place = try client.webhooks.budget(of: "/mailgun")?.place()
            let answer = try await client.post("/mailgun", Posts.mailgun().urlencoded)
            #expect(answer.status == 503 && answer.retryAfter == "5")
            withExtendedLifetime(place) {}
        }
        try await withInbound(try Self.services(), options: changed { $0.limits.bytesInAll = 3_000 }) { client in
            let large = Posts.mailgun { $0["body-plain"] = String(repeating: "a", count: 20_000) }
            same(try await client.post("/mailgun", large.urlencoded).status, 503)
            same(try await client.post("/mailgun", Posts.mailgun { $0["body-html"] = nil }.multipart()).status, 200)
            same(client.webhooks.budget(of: "/mailgun")?.bytes, 0)
        }
    }

    @Test("of one service leave the others theirs, however slow its clients are", arguments: [true, false])
    func eachService(isLimitOfBytes: Bool) async throws {
        try await withInbound(
            try Self.services(),
            options: changed {
                if isLimitOfBytes { $0.limits.bytesInAll = 4_000 } else { $0.limits.requests = 1 }
            }
        ) { client in
            let slow = try await RawClient.connect(client.port)
            let start = String(repeating: "a", count: 3_900)
            let head = "POST /inbound/mailgun HTTP/1.1\r\nHost: x\r\nContent-Type: x\r\nContent-Length: 4000\r\n\r\n"
            slow.send(head + start)
            try await eventually("the body is read") { client.webhooks.budget(of: "/mailgun")?.bytes == 3_900 }
            same(try await client.post("/mailgun", Posts.mailgun().urlencoded).status, 503)
            same(try await client.post("/postmark", Posts.postmark(Posts.postmarkMail())).status, 200)
            same(client.webhooks.budget(of: "/mailgun")?.requests, 1)
            slow.close()
        }
    }

    @Test("end a body that comes too slowly from the beginning, long before its time is over")
    func slowFromTheBeginning() async throws {
        try await withInbound(
            try Self.services(),
            options: changed {
                $0.limits.bodyTime = .seconds(600)
                $0.limits.bodyGrace = .milliseconds(100)
                $0.limits.bodyBytesPerSecond = 1_000
            }
        ) { client in
            try await Self.endsUnfinishedBody(client)
        }
    }

    @Test("of settings that would forget a replay are refused")
    func settings() throws {
        var options = InboundWebhooks.Options()
        options.replayWindow = .seconds(86_400)
        let queue = JobQueue(store: InMemoryStore())
        #expect(throws: StintError.self) { try InboundWebhooks(queue: queue, services: [], options: options) }
        let services = [try InboundService.mailgun(signingKeys: ["a"]), try InboundService.mailgun(signingKeys: ["b"])]
        #expect(throws: StintError.self) { try InboundWebhooks(queue: queue, services: services) }
        #expect(throws: StintError.self) { try InboundService.mailgun(signingKeys: []) }
        #expect(throws: StintError.self) { try InboundService.mailgun(signingKeys: ["a"], path: "mailgun") }
        #expect(throws: StintError.self) { try InboundService.postmark(user: "a:b", password: "long password") }
        #expect(throws: StintError.self) { try InboundService.sendGrid(publicKey: "AAAA") }
        #expect(throws: StintError.self) {
            try InboundService.amazonSES(topics: ["arn:aws:s3:eu-west-1:123456789012:mail"])
        }
    }
}
