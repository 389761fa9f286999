import Foundation
import Stint
import StintCore
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintInbound

@Suite("Hostile bodies", .serialized)
struct HostileTests {
    /// `STINT_HOSTILE_BODIES=100000`, with `--filter HostileTests`.
    private static let longForm = ProcessInfo.processInfo.environment["STINT_HOSTILE_BODIES"].flatMap { Int($0) }
    /// These take about 25 s in a debug build.
    private static let count = longForm.map { max(250, $0) } ?? 10_000
    private static let together = 250

    private static func residentBytes() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
            .dropFirst().first
        return (pages.flatMap { Int($0) } ?? 0) * 4_096
    }

    @Test("are refused with a 4xx or become mails that can be read, and take no memory for long")
    func bodies() async throws {
        let bodies = Mutex(HostileBodies(seed: chosenSeed()))
        let certificate = try TestAmazon.shared.get().certificate
        let queue = JobQueue(store: InMemoryStore())
        let services = [
            try InboundService.mailgun(signingKeys: [Posts.mailgunKey]),
            try .postmark(user: Posts.postmarkUser.0, password: Posts.postmarkUser.1),
            try .sendGrid(publicKey: Posts.sendGridPublicKey),
            try .amazonSES(topics: [Posts.topic]) { _ in certificate },
        ]
        let before = Self.residentBytes()
        try await withInbound(queue, services, options: changed { $0.limits.bodyBytes = 4 * 1_048_576 }) { client in
            var statuses: [Int: Int] = [:]
            var taken = 0
            for _ in 0..<(Self.count / Self.together) {
                let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                    var answers: [Answer] = []
                    for index in 0..<Self.together {
                        if index >= 8, let answer = try await group.next() { answers.append(answer) }
                        let post = try bodies.withLock { try $0.next() }
                        group.addTask { try await client.post(post.path, post.post) }
                    }
                    return try await group.reduce(into: answers) { $0.append($1) }
                }
                for answer in answers {
                    statuses[answer.status, default: 0] += 1
                    // A changed address of a certificate may be another of Amazon's: that post can come again.
                    let isOfCertificate = answer.status == 503 && answer.text.hasPrefix("the certificate at ")
                    #expect(
                        answer.status == 200 || (400..<500).contains(answer.status) || isOfCertificate, "\(answer)")
                }
                let mails = try await client.mails()
                for mail in mails {
                    // What an application would do with it.
                    _ = (
                        mail.replyText, mail.author(is: "ada@example.net"), mail.threadKeys(domain: "example.org"),
                        mail.isLoop()
                    )
                    _ = mail.bouncedRecipients(base: "bounce@example.org")
                    #expect(mail.attachments.count <= 20 && (mail.text ?? "").utf8.count <= 1_048_576)
                    #expect(!(mail.text ?? "").utf8.contains(0) && !mail.subject.utf8.contains(0))
                }
                taken += mails.count
                try await queue.delete(
                    try await queue.store.page(JobFilter(queue: "inbound", limit: 1_000), after: nil).jobs.map(\.id))
            }
            let grown = Self.residentBytes() - before
            print(
                "\(Self.count) hostile bodies: \(statuses.sorted { $0.key < $1.key }), \(taken) mails, \(grown / 1_048_576) MiB more"
            )
            #expect(statuses.values.reduce(0, +) == Self.count / Self.together * Self.together)
            #expect(taken > Self.count / 20 && (statuses[400] ?? 0) > Self.count / 20)
            // Other tests of the process take memory too, but for the long form.
            #expect(grown < (Self.longForm == nil ? 2_048 : 300) * 1_048_576)
            for service in ["/mailgun", "/postmark", "/sendgrid", "/ses"] {
                let budget = client.webhooks.budget(of: service)
                #expect(budget?.bytes == 0 && budget?.requests == 0)
            }
        }
    }
}
