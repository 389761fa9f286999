import Foundation
import Stint
import StintInbound
import StintMail
import Testing

@testable import community

@Suite("Reports of failed deliveries", .timeLimit(.minutes(1)))
struct BounceTests {
    private let test: TestSite
    private let ada: Member

    init() async throws {
        test = try await TestSite()
        ada = try await test.add("ada")
    }

    /// Takes a report that came to this address.
    private func take(
        _ address: String, status: String = "5.1.1", diagnostic: String = "550 <b>no</b> such user"
    ) async throws {
        var mail = InboundMail(service: .mailgun, id: UUID().uuidString, receivedAt: Date())
        mail.kind = .bounce
        mail.recipients = [address]
        mail.bounces = [
            Bounce(recipient: "ada@example.org", action: "failed", status: status, diagnostic: diagnostic)
        ]
        try await test.data.queue.enqueue(mail, in: Mails.inbound)
        var options = Worker.Options()
        options.drains = true
        var worker = Worker(test.data.queue, queues: [Mails.inbound], options: options)
        let replies = Replies(data: test.data, mails: test.mails, writing: test.site.writing)
        worker.registerJob(InboundMail.self) { mail, context in try await replies.take(mail, context) }
        try await worker.run()
    }

    private var count: Int? {
        get async throws { try await test.value("SELECT count(*) FROM refused_addresses") }
    }

    @Test("one that came to an address without this site's signature, or to a reply's, changes nothing")
    func forged() async throws {
        let signed = try test.mails.bounceAddress(of: "ada@example.org").address
        let reply = try test.mails.replyAddress(post: 1, member: "1").address
        for address in [
            "bounce+ada=example.org@community.example", signed.replacing("+ada=", with: "+eve="), reply,
            reply.replacing("reply+", with: "bounce+"), signed.replacing("community.example", with: "example.org"),
            try test.mails.bounceAddress(of: "nobody@example.org").address,
        ] {
            try await take(address)
        }
        #expect(try await count == 0)
        #expect(try await test.data.queue.failures().isEmpty)
    }

    @Test("one that is not for good changes nothing")
    func temporary() async throws {
        try await take(try test.mails.bounceAddress(of: "ada@example.org").address, status: "4.2.2")
        #expect(try await count == 0)
    }

    @Test("one about an address that the member has replaced meanwhile does not count against the new one")
    func replaced() async throws {
        let (old, new) = (
            try test.mails.bounceAddress(of: "Ada@Example.org").address,
            try test.mails.bounceAddress(of: "ada@bücher.example").address
        )
        // Two days of the address that she has.
        try await take(old)
        try await test.change("INSERT INTO refused_addresses SELECT address, day - 1, reason FROM refused_addresses")
        try await test.change("UPDATE members SET address = 'Ada@Bücher.example' WHERE id = 1")
        try await take(old)
        #expect(try await count == 2)
        try await take(new)
        #expect(try await count == 3)
        let off: String? = try await test.value("SELECT mail_off FROM members WHERE id = 1")
        #expect(off == nil)
        // She sees the one of her new address.
        let changed = try #require(try await test.data.pool.read { try Member.find(1, $0) })
        #expect(try await test.data.pool.read { try Bounces.of(changed, $0).count } == 1)
        try await test.change(
            "INSERT INTO refused_addresses SELECT address, day - column1, reason FROM refused_addresses, (VALUES (1), (2)) "
                + "WHERE address = 'ada@xn--bcher-kva.example'")
        try await take(new)
        let now: String? = try await test.value("SELECT mail_off FROM members WHERE id = 1")
        #expect(now?.contains("refused mails on 3 days") == true)
    }

    @Test("of one day the newest reason is shown, and none that is older than a month")
    func reasons() async throws {
        let seen = try await test.data.pool.write { [ada] db in
            try Bounces.note("ada@example.org", reason: "first", at: 100 * 86_400, db)
            try Bounces.note("ada@example.org", reason: "second", at: 100 * 86_400 + 3_600, db)
            return try [100, 129, 130].map { day in try Bounces.of(ada, at: day * 86_400, db).map(\.reason) }
        }
        #expect(seen == [["second"], ["second"], []])
    }

    @Test("mails carry the signed address, and a single report does not switch mail off; the member sees it")
    func one() async throws {
        try await test.add("eve")
        try await test.data.pool.write { [site = test.site] db in
            guard let group = try Group.find(TestSite.openGroup, db), let eve = try Member.find(named: "eve", db)
            else { return }
            _ = try site.writing.post(in: group, by: eve, title: "Tea", body: "x", db)
        }
        try await test.fanOut()
        try await test.deliver()
        let mail = try #require(test.firstMail)
        guard case .address(let address)? = mail.bounces else {
            Issue.record("it has no bounce address")
            return
        }
        for _ in 0..<5 { try await take(address.address) }
        #expect(try await count == 1)
        let off: String? = try await test.value("SELECT mail_off FROM members WHERE id = 1")
        #expect(off == nil)
        let page = try await test.get("/preferences", as: ada)
        #expect(page.text.contains("Mails that came back") && page.text.contains("550 &lt;b&gt;no&lt;/b&gt; such user"))
    }

    @Test("reports on several days within a month switch mail off, and the member switches it on again")
    func several() async throws {
        func off(_ days: [Int64]) async throws -> String? {
            try await test.data.pool.write { db in
                for day in days { try Bounces.note("ada@example.org", reason: "no", at: day * 86_400, db) }
            }
            return try await test.value("SELECT mail_off FROM members WHERE id = 1")
        }
        #expect(try await off([100, 100, 110]) == nil)
        // The first one is too long ago.
        #expect(try await off([130]) == nil)
        #expect(try await off([131, 132])?.contains("refused mails on") == true)
        #expect(try await test.get("/preferences", as: ada).text.contains("It is off"))
        _ = try await test.post("/preferences/mail-on", [:], as: ada)
        #expect(try await off([133]) == nil)
        #expect(try await count == 1)
    }

    @Test("a reply of a sender without an address is of no member without an address")
    func noAddress() {
        var mail = InboundMail(service: .mailgun, id: "1", receivedAt: Date())
        mail.from = InboundAddress(address: "")
        mail.authors = [InboundAddress(address: "")]
        #expect(mail.author(is: "") == .other)
    }
}
