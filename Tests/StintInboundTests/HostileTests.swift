import Foundation
import Stint
import StintCore
import StintTesting
import TestSupport
import Testing

@testable import StintInbound

@Suite("Hostile bodies", .serialized)
struct HostileTests {
    /// `STINT_HOSTILE_BODIES=10000` for the long form.
    private static let count =
        ProcessInfo.processInfo.environment["STINT_HOSTILE_BODIES"].flatMap { Int($0) }.map { max(250, $0) } ?? 500
    private static let together = 250

    private static func residentBytes() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
            .dropFirst().first
        return (pages.flatMap { Int($0) } ?? 0) * 4_096
    }

    @Test("are refused with a 4xx or become mails that can be read, and take no memory for long")
    func bodies() async throws {
        var bodies = HostileBodies(seed: chosenSeed())
        let queue = JobQueue(store: InMemoryStore())
        let services = [
            try InboundService.mailgun(signingKeys: [Posts.mailgunKey]),
            try .postmark(user: Posts.postmarkUser.0, password: Posts.postmarkUser.1),
            try .sendGrid(publicKey: Posts.sendGridPublicKey),
            try .amazonSES(topics: [Posts.topic]) { _ in try TestAmazon.shared.get().certificate },
        ]
        var rounds: [[(path: String, post: TestPost)]] = []
        for _ in 0..<(Self.count / Self.together) {
            rounds.append(try (0..<Self.together).map { _ in try bodies.next() })
        }
        let posts = rounds
        let before = Self.residentBytes()
        try await withInbound(queue, services, options: changed { $0.limits.bodyBytes = 4 * 1_048_576 }) { client in
            var statuses: [Int: Int] = [:]
            var taken = 0
            for round in posts {
                let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                    for (index, post) in round.enumerated() {
                        if index >= 8, let answer = try await group.next() { statuses[answer.status, default: 0] += 1 }
                        group.addTask { try await client.post(post.path, post.post) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for answer in answers { statuses[answer.status, default: 0] += 1 }
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
            #expect(statuses.keys.allSatisfy { $0 == 200 || (400..<500).contains($0) }, "\(statuses)")
            #expect(taken > Self.count / 20 && (statuses[400] ?? 0) > Self.count / 20)
            #expect(grown < 600 * 1_048_576)
            for service in ["/mailgun", "/postmark", "/sendgrid", "/ses"] {
                let budget = client.webhooks.budget(of: service)
                #expect(budget?.bytes == 0 && budget?.requests == 0)
            }
        }
    }
}
