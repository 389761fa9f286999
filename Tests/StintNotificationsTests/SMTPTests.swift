import Foundation
import Logging
import Stint
import StintCatcher
import StintCore
import StintMail
import StintMailbox
import StintNotifications
import Synchronization
import TestSupport
import Testing

@Suite("Mails that are written when they are delivered", .timeLimit(.minutes(2)))
struct SMTPTests {
    private struct Reminder: JobParameters {
        static let jobName = "reminder"
        var to: String
        var subject = "Tea"
    }

    /// Runs the body with a catcher, and a queue in a file.
    private func withServer(_ body: (_ port: Int, Mailbox, JobQueue<SQLiteStore>) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let mailbox = Mailbox(GMimeReader())
        let (addresses, found) = AsyncStream.makeStream(of: String.self)
        let server = try MailServer(mailbox, host: "127.0.0.1", port: 0) { found.yield($0) }
        let running = Task { try await server.run() }
        defer { running.cancel() }
        let address = try #require(await addresses.first { _ in true })
        let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
        try await body(port, mailbox, queue)
        await queue.close()
    }

    private func worker(_ queue: JobQueue<some JobStore>, _ port: Int) throws -> MailWorker {
        var options = Worker.Options()
        options.drains = true
        let transport = SMTPTransport(try SMTPServer("smtp://127.0.0.1:\(port)"))
        return MailWorker(
            queue, queues: ["notifications"], transport: transport, options: options,
            retry: .constant(.milliseconds(1), maxAttempts: 2))
    }

    @Test("the server's answers decide as for any mail, and each attempt writes it anew")
    func answers() async throws {
        try await withServer { port, mailbox, queue in
            let written = Mutex<[String: Int]>([:])
            var worker = try worker(queue, port)
            worker.registerMail(Reminder.self) { reminder, _ in
                written.withLock { $0[reminder.to, default: 0] += 1 }
                guard reminder.to != "nobody@x.example" else { return nil }
                return MailMessage(
                    from: "site@example.org", to: [try MailAddress(reminder.to)], subject: reminder.subject, text: "Hi")
            }
            for to in ["ada@x.example", "nobody@x.example", "fail-450@x.example", "fail-data-554@x.example"] {
                try await queue.enqueue(Reminder(to: to), in: "notifications")
            }
            try await queue.enqueue(Reminder(to: "b@x.example", subject: "a\r\nBcc: c@x.example"), in: "notifications")
            // A mail that was written before is delivered beside them.
            try await queue.enqueue(
                mail: MailMessage(from: "site@example.org", to: ["old@x.example"], subject: "Old", text: "x"),
                in: "notifications")
            try await worker.run()
            #expect(Set(mailbox.list().mails.flatMap(\.recipients)) == ["ada@x.example", "old@x.example"])
            #expect(written.withLock { $0["fail-450@x.example"] } == 2)
            #expect(written.withLock { $0["fail-data-554@x.example"] } == 1)
            let errors = try await queue.failures().map(\.failure.error).sorted()
            // Two attempts for 450, and one for each of the others.
            #expect(errors.count == 4, "\(errors)")
            #expect(errors.contains { $0.contains("cannot be sent") && $0.contains("subject") })
        }
    }

    /// A store that cannot take follow-up jobs at first.
    private final class FailingStore: ForwardingStore {
        let base: any JobStore
        let failures: Mutex<[StintError.Code]>

        init(_ base: any JobStore, _ failures: [StintError.Code]) {
            self.base = base
            self.failures = Mutex(failures)
        }

        func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
            if settlements.contains(where: { !$0.followUps.isEmpty }) {
                let next = failures.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                if let next { throw StintError(next, "the disk of the test fails") }
            }
            return try await base.exchange(settlements, for: request)
        }
    }

    @Test("whom the server has taken a mail for get it once, although the store takes the acknowledgement later")
    func acknowledgement() async throws {
        try await withServer { port, mailbox, queue in
            let store = FailingStore(queue.store, [.storageFailed, .databaseBusy, .outcomeUnknown])
            let failing = JobQueue(store: store)
            try await failing.enqueue(
                mail: MailMessage(
                    from: "site@example.org", to: ["ada@x.example", "fail-450@x.example", "fail-550@x.example"],
                    subject: "Tea", text: "x"), in: "notifications")
            try await worker(failing, port).run()
            #expect(store.failures.withLock { $0.isEmpty })
            #expect(mailbox.list().mails.map(\.recipients) == [["ada@x.example"]])
            let errors = try await queue.failures().map(\.failure.error)
            #expect(errors.count == 3 && errors.allSatisfy { !$0.contains("disk") }, "\(errors)")
        }
    }

    @Test("what a dead server has held back is decided again when the server is there")
    func deadServer() async throws {
        let site = Site()
        site.add("ada")
        site.add("bob")
        try await withServer { port, mailbox, queue in
            let notifications = try site.notifications()
            var options = Worker.Options()
            options.drains = true
            var fanOut = Worker(queue, queues: ["events"], options: options)
            notifications.register(in: &fanOut)
            let event = try NotificationEvent(kind: "comment.posted", object: "Tea")
            try await queue.enqueue(event, in: "events", options: event.options)
            try await fanOut.run()
            // Nobody listens there.
            let (descriptor, free) = try listeningSocket()
            close(descriptor)
            var dead = try worker(queue, Int(free))
            notifications.register(in: &dead)
            let waiting = Task { [dead] in try await dead.run() }
            try await eventually("the worker has met the dead server") {
                site.state.withLock { $0.contentCalls } > 0
            }
            try await eventually("it holds no job") {
                try await queue.stats().first(where: { $0.name == "notifications" })?.leased == 0
            }
            waiting.cancel()
            try await waiting.value
            site.change { $0.members["bob"] = nil }
            var worker = try worker(queue, port)
            notifications.register(in: &worker)
            try await worker.run()
            let mails = mailbox.list().mails
            #expect(mails.map(\.recipients) == [["ada@example.org"]] && mails.first?.summary.subject == "Tea")
            #expect(site.causes == [.noRecipient])
        }
    }

    @Test("a digest is one mail by SMTP too")
    func digest() async throws {
        try await withServer { port, mailbox, queue in
            var worker = try worker(queue, port)
            worker.registerMailDigest(Reminder.self) { reminders, _ in
                MailMessage(
                    from: "site@example.org", to: [try MailAddress(reminders[0].to)], subject: "\(reminders.count)",
                    text: "x")
            }
            let options = JobOptions(uniqueKey: "ada", onConflict: .collect)
            for _ in 0..<3 {
                try await queue.enqueue(Reminder(to: "ada@x.example"), in: "notifications", options: options)
            }
            try await worker.run()
            #expect(mailbox.list().mails.map(\.summary.subject) == ["3"])
        }
    }

    @Test("a mail that is written has the same Message-ID in each attempt, and another one for another job")
    func messageID() async throws {
        struct AnswerLost: Error {}
        try await withServer { port, mailbox, queue in
            let delivery = MailDelivery(SMTPTransport(try SMTPServer("smtp://127.0.0.1:\(port)")))
            var options = Worker.Options()
            options.drains = true
            var worker = Worker(queue, queues: ["notifications"], options: options)
            worker.registerOthers(retry: .constant(.milliseconds(1), maxAttempts: 3)) { context in
                try await delivery.run(context) { context in
                    // What it says may have changed since the attempt before.
                    MailMessage(
                        from: "site@example.org", to: ["ada@x.example"], subject: "attempt \(context.attempt)",
                        text: "x")
                }
                if context.attempt < 3 { throw AnswerLost() }
            }
            let one = try await queue.enqueue(Reminder(to: "one"), in: "notifications").id
            let digest = JobOptions(uniqueKey: "ada", onConflict: .collect)
            for _ in 0..<2 { try await queue.enqueue(Reminder(to: "two"), in: "notifications", options: digest) }
            try await worker.run()
            let mails = mailbox.list().mails.map { mail in
                String(decoding: mail.received.bytes, as: UTF8.self).split(separator: "\r\n").reduce(
                    into: [String: String]()
                ) {
                    let parts = $1.split(separator: ": ", maxSplits: 1)
                    if parts.count == 2, $0[parts[0].lowercased()] == nil {
                        $0[parts[0].lowercased()] = String(parts[1])
                    }
                }
            }
            #expect(mails.count == 6)
            let ids = Dictionary(grouping: mails) { $0["message-id"] ?? "none" }
            #expect(ids.count == 2 && ids["none"] == nil, "\(ids.keys)")
            #expect(ids.values.allSatisfy { Set($0.map { $0["subject"] }).count == 3 })
            #expect(ids.keys.contains { $0.hasPrefix("<stint-\(one)-") })
        }
    }
}
