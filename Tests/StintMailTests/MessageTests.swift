import Foundation
import StintCore
import StintMail
import Testing

@Suite struct MessageTests {
    private let date = Date(timeIntervalSince1970: 1_700_000_000)

    private func built(_ message: MailMessage) throws -> String {
        String(decoding: try message.rfc822(id: "x", date: date), as: UTF8.self)
    }

    @Test("a message of plain ASCII can be read as it is sent")
    func plain() throws {
        var message = MailMessage(
            from: "Ada <ada@example.org>", to: ["b@example.net"], subject: "Hello", text: "Hi\n-- \nAda")
        message.thread = "discussion 7"
        message.unsubscribe = MailUnsubscribe(url: "https://example.org/u/7")
        #expect(
            try built(message) == """
                From: Ada <ada@example.org>\r
                To: b@example.net\r
                Subject: Hello\r
                Date: Tue, 14 Nov 2023 22:13:20 +0000\r
                Message-ID: <x@example.org>\r
                In-Reply-To: <thread-8bb1a8136169967c@example.org>\r
                References: <thread-8bb1a8136169967c@example.org>\r
                Auto-Submitted: auto-generated\r
                List-Unsubscribe: <https://example.org/u/7>\r
                List-Unsubscribe-Post: List-Unsubscribe=One-Click\r
                MIME-Version: 1.0\r
                Content-Type: text/plain; charset=utf-8; format=flowed\r
                Content-Transfer-Encoding: 7bit\r
                \r
                Hi\r
                -- \r
                Ada\r

                """)
    }

    @Test("JSON with only what is needed is a message, and a message is the same after its way through JSON")
    func json() throws {
        let text = #"{"from": "Ada <a@example.org>", "to": ["b@example.org"], "subject": "s", "text": "t"}"#
        let message = try JSONDecoder().decode(MailMessage.self, from: Data(text.utf8))
        #expect(message == MailMessage(from: "Ada <a@example.org>", to: ["b@example.org"], subject: "s", text: "t"))
        var full = message
        full.bounces = .perRecipient("c@example.org")
        full.attachments = [MailAttachment(filename: "é.pdf", contentType: "application/pdf", content: Data([0, 255]))]
        full.isAutomatic = false
        full.date = date
        #expect(try JSONDecoder().decode(MailMessage.self, from: JSONEncoder().encode(full)) == full)
    }

    @Test("a mail becomes a job for each domain, or for each recipient with a bounce address of its own")
    func jobs() throws {
        var message = MailMessage(
            from: "a@example.org", to: ["x@one.example", "y@two.example", "x@one.example"], subject: "s", text: "t")
        message.bcc = ["z@one.example"]
        var options = JobOptions()
        options.uniqueKey = "welcome"
        let jobs = try message.jobs(in: "mail", options: options)
        #expect(jobs.map(\.options.group) == ["one.example", "two.example"])
        #expect(jobs.map { $0.options.headers["mail-to"] } == ["x@one.example,z@one.example", "y@two.example"])
        #expect(jobs.map { $0.options.headers["mail-from"] } == ["a@example.org", "a@example.org"])
        #expect(jobs.map(\.options.uniqueKey) == ["welcome one.example", "welcome two.example"])
        let ids = try jobs.map { try JSONDecoder().decode(MailMessage.self, from: Data($0.payload)).messageID }
        #expect(ids[0] != nil && ids[0] == ids[1])
        message.bounces = .perRecipient("b@example.org")
        #expect(try message.jobs(in: "mail").map { $0.options.headers["mail-from"] }.count == 3)
    }

    @Test("a message that is too large, or has too many recipients, is refused before it is enqueued")
    func limits() throws {
        var message = MailMessage(from: "a@example.org", to: ["b@example.org"], subject: "s", text: "t")
        message.attachments = [MailAttachment(filename: "x", content: Data(count: 13 << 20))]
        #expect(throws: StintError.self) { try message.check() }
        message.attachments = []
        message.to = try (0...MailMessage.maximumRecipients).map { try MailAddress("a\($0)@example.org") }
        #expect(throws: StintError.self) { try message.check() }
        message.to.removeLast()
        try message.check()
        message.text = String(repeating: "text\n", count: 20_000)
        try message.check()
        #expect(try message.jobs(in: "mail").count == 1)
        message.bounces = .perRecipient("bounce@example.org")
        let error = #expect(throws: StintError.self) { try message.jobs(in: "mail") }
        #expect(error?.description.contains("64 MiB") == true)
    }

    @Test("the jobs of a mail are as those of any parameters")
    func jobsAreUsual() throws {
        let message = MailMessage(from: "a@example.org", to: ["b@example.org"], subject: "a/b", text: "t")
        let job = try #require(try message.jobs(in: "mail").first)
        let usual = try NewJob(message, in: "mail")
        #expect(job.payload == usual.payload)
        #expect(job.contentType == usual.contentType)
        #expect(job.options.headers["job-name"] == "mail")
    }

    @Test("a message that is attached is not encoded, and one that would have to be is refused")
    func attachedMessage() throws {
        var message = MailMessage(from: "a@example.org", to: ["b@example.org"], subject: "s", text: "t")
        message.attachments = [
            MailAttachment(
                filename: "m.eml", contentType: "message/rfc822", content: Data("Subject: x\r\n\r\ny\n".utf8))
        ]
        #expect(try built(message).contains("\r\nSubject: x\r\n\r\ny\r\n"))
        message.attachments[0].content = Data("Subject: é\r\n\r\ny\n".utf8)
        #expect(throws: StintError.self) { try built(message) }
    }

    @Test("a date beyond the calendar does not end the process", arguments: [Double.nan, .infinity, -.infinity, 1e300])
    func dates(seconds: Double) throws {
        var message = MailMessage(from: "a@example.org", to: ["b@example.org"], subject: "s", text: "t")
        message.date = Date(timeIntervalSince1970: seconds)
        #expect(try built(message).contains("Date: "))
        #expect(throws: StintError.self) { try message.jobs(in: "mail") }
    }
}
