import StintCore
import Testing

@testable import StintMail

/// A server whose answers are given beforehand, and what a transaction has sent to it.
private struct Script {
    var transaction: SMTPTransaction
    /// The commands, a group a line; the message is `message`.
    var sent: [String] = []
    var count = 0

    init(_ recipients: [MailAddress] = ["b@example.org"], offers capabilities: Set<String>) {
        let envelope = MailEnvelope(sender: "a@example.org", recipients: recipients)
        transaction = SMTPTransaction(envelope, size: 17, capabilities: capabilities)
    }

    /// Answers until there are no more answers, or the transaction is at its end.
    mutating func run(_ answers: [Int]) {
        var answers = answers[...]
        while true {
            switch transaction.next() {
            case .send(let bytes):
                sent.append(String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "|"))
            case .sendContent:
                sent.append("message")
                transaction.contentWasSent()
            case .wait:
                guard let code = answers.popFirst() else { return }
                transaction.answered(SMTPReply(code: code, text: "text"))
            case .done: return
            }
        }
    }

    func exchange(isReused: Bool = false, _ problem: SMTPProblem? = nil) -> SMTPExchange {
        SMTPExchange(transaction: transaction, isReused: isReused, problem: problem)
    }
}

@Suite struct SMTPTransactionTests {
    private let server: SMTPServer
    private let two: [MailAddress] = ["b@example.org", "c@example.org"]

    init() throws { server = try SMTPServer("smtp://localhost") }

    private func kind(_ script: Script, isReused: Bool = false, lost: Bool = false) -> SMTPFailure.Kind? {
        let recipients = script.transaction.replies.keys.contains(.recipient(1)) ? two : ["b@example.org"]
        let problem = lost ? SMTPProblem("lost") : nil
        let envelope = MailEnvelope(sender: "a@example.org", recipients: recipients)
        switch script.exchange(isReused: isReused, problem).result(envelope, server) {
        case .success: return nil
        case .failure(let failure): return failure.kind
        }
    }

    @Test("with PIPELINING the commands go out together, and without it one after the other")
    func groups() {
        var together = Script(two, offers: ["PIPELINING"])
        together.run([250, 250, 250, 354, 250])
        #expect(
            together.sent == [
                "MAIL FROM:<a@example.org>|RCPT TO:<b@example.org>|RCPT TO:<c@example.org>|DATA|", "message",
            ])
        var alone = Script(two, offers: [])
        alone.run([250, 250, 250, 354, 250])
        #expect(
            alone.sent == [
                "MAIL FROM:<a@example.org>|", "RCPT TO:<b@example.org>|", "RCPT TO:<c@example.org>|", "DATA|",
                "message",
            ])
        for script in [together, alone] {
            #expect(kind(script) == nil && script.exchange().keepsConnection)
        }
    }

    @Test("many recipients go out in groups that fit into the buffers of both sides")
    func manyRecipients() throws {
        let recipients = try (0..<1_000).map { try MailAddress("recipient\($0)@example.org") }
        var script = Script(recipients, offers: ["PIPELINING"])
        script.run([250] + recipients.map { _ in 250 } + [354, 250])
        #expect(script.sent.count > 2 && script.sent.allSatisfy { $0.utf8.count <= SMTPTransaction.largestGroup })
        #expect(script.sent.joined().split(separator: "|").filter { $0.hasPrefix("RCPT") }.count == 1_000)
        var refused = Script(recipients, offers: ["PIPELINING"])
        refused.run([550] + recipients.map { _ in 503 })
        #expect(refused.sent.count == 1, "nothing more is said for a sender who was refused")
    }

    @Test("SIZE and SMTPUTF8 are said to a server that has them")
    func parameters() {
        var script = Script(["почта@example.org"], offers: ["SIZE", "SMTPUTF8"])
        script.run([])
        #expect(script.sent == ["MAIL FROM:<a@example.org> SIZE=17 SMTPUTF8|"])
        var plain = Script(["b@example.org"], offers: ["SMTPUTF8"])
        plain.run([])
        #expect(plain.sent == ["MAIL FROM:<a@example.org>|"])
    }

    @Test(
        "without an accepted recipient no message is sent",
        arguments: [
            // With 354 the server waits for a message, and gets none: a dot alone.
            (["PIPELINING"], [250, 550, 550, 354, 250], ".|", SMTPFailure.Kind.permanent),
            (["PIPELINING"], [250, 550, 450, 354, 554], ".|", .temporary),
            (["PIPELINING"], [250, 450, 450, 503], nil, .temporary),
            ([], [250, 550, 550], nil, .permanent),
        ] as [(Set<String>, [Int], String?, SMTPFailure.Kind)])
    func noRecipient(capabilities: Set<String>, answers: [Int], last: String?, expected: SMTPFailure.Kind) {
        var script = Script(two, offers: capabilities)
        script.run(answers)
        #expect(!script.sent.contains("message"))
        #expect(!script.transaction.isContentSent)
        if let last { #expect(script.sent.last == last) } else { #expect(script.sent.last != ".|") }
        #expect(kind(script) == expected)
        #expect(!script.exchange().keepsConnection && script.transaction.isComplete)
    }

    @Test("a dot alone that is not answered is no message whose outcome is unknown")
    func lostAfterTheDotAlone() {
        var script = Script(two, offers: ["PIPELINING"])
        script.run([250, 550, 550, 354])
        #expect(kind(script, lost: true) == .permanent)
    }

    @Test("a sender who was refused gets no message, whatever the server says to the rest")
    func noSender() {
        var script = Script(offers: ["PIPELINING"])
        script.run([550, 250, 354])
        #expect(script.sent.count == 1)
        #expect(kind(script) == .permanent)
        // It waits for a message, so that no QUIT is understood.
        #expect(!script.transaction.isComplete)
    }

    @Test("some refused recipients do not hold back the others")
    func someRecipients() throws {
        var script = Script(two, offers: ["PIPELINING"])
        script.run([250, 550, 250, 354, 250])
        #expect(script.sent.last == "message")
        let receipt = try script.exchange().result(MailEnvelope(sender: nil, recipients: two), server).get()
        #expect(receipt.accepted == [two[1]] && receipt.refusals.map(\.recipient) == [two[0]])
    }

    @Test(
        "what an answer means, and a lost connection after each number of answers",
        arguments: [
            ([421], false, .unreachable), ([530], false, .unreachable), ([450, 503, 503], false, .temporary),
            ([250, 421], true, .temporary), ([250, 250, 451], false, .temporary), ([250, 250, 554], false, .permanent),
            ([250, 250, 421], false, .temporary), ([250, 250, 354, 452], false, .temporary),
            ([250, 250, 354, 421], false, .temporary), ([250, 250, 354, 554], false, .permanent),
            ([250, 250, 354, 251], false, nil), ([], true, .unreachable), ([250], true, .temporary),
            ([250, 250], true, .temporary), ([250, 250, 354], true, .outcomeUnknown),
            // No answers to these commands.
            ([354], false, .temporary), ([250, 354], false, .temporary), ([250, 250, 250], false, .temporary),
            ([250, 250, 354, 354], false, .outcomeUnknown),
        ] as [([Int], Bool, SMTPFailure.Kind?)])
    func outcomes(answers: [Int], lost: Bool, expected: SMTPFailure.Kind?) {
        for capabilities in [["PIPELINING"], []] as [Set<String>] {
            var script = Script(offers: capabilities)
            script.run(answers)
            #expect(kind(script, lost: lost) == expected)
            let mayGoOn = !lost && answers.count == 4 && ![421, 354].contains(answers.last)
            #expect(script.exchange(lost ? SMTPProblem("lost") : nil).keepsConnection == mayGoOn)
        }
    }

    @Test("only a kept connection that has answered nothing, or 421 to MAIL, was closed before the message")
    func stale() {
        for (answers, expected) in [
            ([], true), ([421], true), ([250], false), ([450], false), ([250, 250, 354], false),
        ] {
            var script = Script(offers: ["PIPELINING"])
            script.run(answers)
            let problem = SMTPProblem("lost")
            #expect(script.exchange(isReused: true, problem).isStale == expected, "\(answers)")
            #expect(!script.exchange(isReused: false, problem).isStale)
            #expect(!script.exchange(isReused: true, .cancelled).isStale)
        }
    }

    @Test("a cancellation before the message is sent is no fault of the server")
    func cancelled() {
        var script = Script(offers: ["PIPELINING"])
        script.run([250])
        let envelope = MailEnvelope(sender: nil, recipients: ["b@example.org"])
        #expect(throws: SMTPFailure.self) { try script.exchange(.cancelled).result(envelope, server).get() }
        guard case .failure(let failure) = script.exchange(.cancelled).result(envelope, server) else { return }
        #expect(failure.kind == .cancelled)
    }
}
