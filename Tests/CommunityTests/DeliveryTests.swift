import GRDB
import Stint
import StintMail
import StintNotifications
import Testing

@testable import community

@Suite("What the community's mails tell is decided when they are delivered", .timeLimit(.minutes(1)))
struct DeliveryTests {
    let test: TestSite
    let ada: Member
    let eve: Member

    init() async throws {
        test = try await TestSite()
        ada = try await test.add("ada", name: "Ada Hollis", [(.like, .now)])
        eve = try await test.add("eve", name: "Eve Adams")
    }

    private func write(_ body: @escaping @Sendable (Writing, Group, Database) throws -> Void) async throws {
        let writing = test.site.writing
        try await test.data.pool.write { db in
            guard let group = try Group.find(TestSite.openGroup, db) else { return }
            try body(writing, group, db)
        }
    }

    private func sent(_ change: String) async throws -> [String] {
        try await test.fanOut()
        try await test.change(change)
        try await test.deliver()
        #expect(try await test.data.queue.failures().isEmpty)
        return test.recipients
    }

    @Test(
        "a like that was taken back, or of a member who is gone, of a deleted post, or for one who left is not told",
        arguments: [
            "DELETE FROM likes", "UPDATE members SET deleted_at = 1 WHERE handle = 'eve'",
            "UPDATE posts SET deleted_at = 1", "DELETE FROM memberships WHERE member_id = 1",
            "UPDATE members SET deleted_at = 1 WHERE handle = 'ada'", "UPDATE posts SET author_id = 2",
            "INSERT INTO preferences VALUES (1, 'like', 'group:1', 'never')", "",
        ])
    func likes(change: String) async throws {
        try await write { [ada, eve] writing, group, db in
            var post = Post(groupId: group.number, authorId: ada.number, title: "Tea", body: "x", createdAt: 0)
            try post.insert(db)
            _ = try writing.like(post, by: eve, db)
        }
        #expect(try await sent(change) == (change.isEmpty ? ["ada@example.org"] : []))
    }

    @Test(
        "a request to join that was answered, or whose member or owner changed, is not told",
        arguments: [
            "DELETE FROM requests", "UPDATE members SET deleted_at = 1 WHERE handle = 'eve'",
            "UPDATE groups SET owner_id = 2", "UPDATE members SET deleted_at = 1 WHERE handle = 'ada'",
            "UPDATE members SET mail_off = 'x' WHERE handle = 'ada'", "",
        ])
    func requests(change: String) async throws {
        try await write { [eve] writing, group, db in try writing.askToJoin(group, eve, db) }
        #expect(try await sent(change) == (change.isEmpty ? ["ada@example.org"] : []))
    }

    @Test(
        "a mention is told to those who are named and may read it",
        arguments: [
            ("", ["ada@example.org"]), ("UPDATE members SET handle = 'ada2' WHERE handle = 'ada'", []),
            ("UPDATE groups SET access = 'closed'; DELETE FROM memberships", []),
            ("UPDATE comments SET deleted_at = 1", []),
        ])
    func mentions(change: String, recipients: [String]) async throws {
        try await write { [eve] writing, group, db in
            var post = Post(groupId: group.number, authorId: eve.number, title: "Tea", body: "x", createdAt: 0)
            try post.insert(db)
            try writing.comment(on: post, by: eve, body: "with @ada", db)
        }
        #expect(try await sent(change) == recipients)
    }

    @Test("an event whose kind cannot be about its object buries its job, and tells nothing")
    func forged() async throws {
        try await write { [eve] writing, group, db in
            var post = Post(groupId: group.number, authorId: eve.number, title: "Tea", body: "x", createdAt: 0)
            try post.insert(db)
            try writing.askToJoin(group, eve, db)
        }
        for (kind, object) in [
            ("newsletter", "group:1"), ("like", "group:1"), ("request", "post:1"), ("post", "group:1"),
        ] {
            let event = try NotificationEvent(kind: kind, actor: "2", object: object)
            let payload = try StoredPayload.notification(event, to: "1")
            try await test.data.queue.enqueue(
                payload: payload, in: Mails.notifications,
                options: JobOptions(headers: try Headers([Headers.jobName: "notification"])))
        }
        try await test.fanOut()
        try await test.deliver()
        #expect(test.recipients == ["ada@example.org"] && test.firstMail?.subject.contains("Tea") == false)
        #expect(try await test.data.queue.failures().count == 4)
    }

    @Test("a member who was deleted before the delivery is in no mail by name")
    func deletedActor() async throws {
        try await write { [eve] writing, group, db in
            _ = try writing.post(in: group, by: eve, title: "Tea", body: "at five", db)
        }
        #expect(try await sent("UPDATE members SET deleted_at = 1 WHERE handle = 'eve'") == ["ada@example.org"])
        let mail = try #require(test.firstMail)
        #expect(mail.from == Mails.sender)
        for text in [mail.subject, mail.text ?? "", mail.html ?? ""] { #expect(!text.contains("Eve"), "\(text)") }
        #expect(mail.text?.contains("at five") == true)
    }

    @Test("who is there is in From by name, as it is at the delivery")
    func actor() async throws {
        try await write { [eve] writing, group, db in
            _ = try writing.post(in: group, by: eve, title: "Tea", body: "at five", db)
        }
        _ = try await sent("UPDATE members SET name = 'Eve Brown' WHERE handle = 'eve'")
        let mail = try #require(test.firstMail)
        #expect(mail.from.name == "Eve Brown · Community" && mail.subject.contains("Eve Brown"))
    }

    @Test(
        "a text that names a member is told once: as a mention, or else as what it is",
        arguments: [
            ([], "mentioned"), ([(Kind.mention, Rhythm.never)], "commented"), ([(.comment, .never)], "mentioned"),
            ([(.mention, .never), (.comment, .never)], nil),
        ] as [([(Kind, Rhythm)], String?)])
    func kinds(choices: [(Kind, Rhythm)], told: String?) async throws {
        let zoe = try await test.add("zoe", choices)
        try await write { [eve] writing, group, db in
            var post = Post(groupId: group.number, authorId: zoe.number, title: "Tea", body: "x", createdAt: 0)
            try post.insert(db)
            try Post.follow(post.number, member: zoe.number, db)
            try writing.comment(on: post, by: eve, body: "with @zoe", db)
        }
        #expect(try await sent("") == (told == nil ? [] : ["zoe@example.org"]))
        if let told { #expect(test.firstMail?.text?.contains(told) == true) }
    }

    @Test("a post that names a member whose mentions are off is told as a post")
    func post() async throws {
        try await test.add("zoe", [(.mention, .never)])
        try await write { [eve] writing, group, db in
            _ = try writing.post(in: group, by: eve, title: "Tea", body: "with @zoe and @ada", db)
        }
        #expect(try await sent("") == ["ada@example.org", "zoe@example.org"])
    }

    @Test("a member has one digest a period, of posts and of the newsletter")
    func oneDigest() async throws {
        try await test.add("zoe", [(.post, .daily), (.newsletter, .daily)])
        try await write { [ada, eve] writing, group, db in
            _ = try writing.post(in: group, by: eve, title: "Tea", body: "x", db)
            _ = try writing.newsletter(by: ada, subject: "The year", body: "x", db)
        }
        try await test.fanOut()
        let jobs =
            try await test.data.queue.list(JobFilter(queue: Mails.notifications)).jobs
            + test.data.queue.list(JobFilter(queue: Mails.newsletters)).jobs
        let digests = jobs.filter { $0.events != nil }
        #expect(digests.map(\.queue) == [Mails.notifications] && digests.map(\.events) == [2])
    }
}
