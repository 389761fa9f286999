import Foundation
import Stint
import StintMail
import Testing

@testable import community

@Suite("Mails for new passwords", .timeLimit(.minutes(1)))
struct PasswordTests {
    private func token(_ test: TestSite) throws -> String {
        let text = try #require(test.firstMail?.text)
        let start = try #require(text.range(of: "reset?reset-token="))
        return String(text[start.upperBound...].prefix { $0.isHexDigit })
    }

    @Test("the link is in the mail, and not in its job; it holds once")
    func link() async throws {
        let test = try await TestSite()
        let ada = try await test.add("ada")
        #expect(try await test.post("/forgot", ["name": "ada"]).status == .ok)
        let jobs = try await test.data.queue.list(JobFilter(queue: Mails.urgent)).jobs
        let number = try #require(jobs.first).id
        let job = try #require(try await test.data.queue.job(number))
        let payload = String(decoding: job.payload, as: UTF8.self)
        #expect(!payload.contains("@") && !payload.contains("http"), "\(payload)")
        try await test.deliver()
        let token = try token(test)
        #expect(token.count == 40 && test.recipients == ["ada@example.org"])
        #expect(!payload.contains(token) && !"\(job)".contains(token))
        // Neither what is in the job nor what is in the table opens the page.
        let id = try JSONDecoder().decode(PasswordMail.self, from: Data(job.payload)).resetID
        let stored: String? = try await test.value("SELECT token FROM password_resets")
        for other in [id, stored ?? ""] {
            #expect(try await test.get("/reset?reset-token=\(other)", as: ada).status == .badRequest)
        }
        #expect(try await test.get("/reset?reset-token=\(token)", as: ada).status == .ok)
        let new = ["reset-token": token, "password": "a new pass phrase"]
        #expect(try await test.post("/reset", new).status == .seeOther)
        #expect(try await test.post("/reset", new).status == .badRequest)
        let answer = try await test.post("/sign-in", ["name": "ada", "password": "a new pass phrase"])
        #expect(answer.status == .seeOther)
    }

    @Test(
        "a member who is deleted meanwhile, has no address any more, or whose link is over gets none",
        arguments: [
            "UPDATE members SET deleted_at = 1", "UPDATE members SET address = NULL",
            "UPDATE members SET address = '@'",
            "UPDATE password_resets SET expires_at = 1", "DELETE FROM password_resets",
            "UPDATE password_resets SET member_id = 2",
        ])
    func gone(change: String) async throws {
        let test = try await TestSite()
        try await test.add("ada")
        #expect(try await test.post("/forgot", ["name": "ada"]).status == .ok)
        try await test.change(change)
        try await test.deliver()
        #expect(test.recipients == [])
        #expect(try await test.data.queue.failures().isEmpty)
    }

    @Test("it goes to the member's address as it is when it is sent")
    func newAddress() async throws {
        let test = try await TestSite()
        try await test.add("ada", name: "Ada\r\nBcc: eve@example.org")
        _ = try await test.post("/forgot", ["name": "ada"])
        try await test.change("UPDATE members SET address = 'new@example.org'")
        try await test.deliver()
        #expect(test.recipients == ["new@example.org"])
    }
}
