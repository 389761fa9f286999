import StintCatcher
import StintMailbox
import StintSMTP
import TestSupport
import Testing

@Suite("The mailbox keeps the newest mails within its limits", .timeLimit(.minutes(1)))
struct MailboxTests {
    private func mailbox(mails: Int = 1_000, bytes: Int = 1 << 28) -> Mailbox {
        var limits = Mailbox.Limits()
        (limits.mails, limits.bytes) = (mails, bytes)
        return Mailbox(GMimeReader(), limits: limits)
    }

    private func mail(to recipients: String..., text: String = "hi") -> ReceivedMail {
        ReceivedMail(
            sender: "", recipients: recipients, bytes: Array("Subject: \(text.prefix(20))\r\n\r\n\(text)".utf8),
            clientName: "me",
            hasBareLineEnds: false)
    }

    @Test("the oldest go if there are too many")
    func count() {
        let box = mailbox(mails: 3)
        for number in 1...5 { box.add(mail(to: "\(number)@x")) }
        #expect(box.list().mails.map(\.id) == [5, 4, 3])
        #expect(box.counts.received == 5 && box.counts.dropped == 2 && box.counts.mails == 3)
        #expect(box.mail(2) == nil && box.mail(3)?.recipients == ["3@x"])
    }

    @Test("the oldest go if they take too much memory, and the newest stays in any case")
    func bytes() {
        let box = mailbox(bytes: 50_000)
        for number in 1...100 { box.add(mail(to: "\(number)@x", text: String(repeating: "x", count: 5_000))) }
        #expect(box.counts.bytes <= 50_000 && box.counts.mails == 5 && box.counts.dropped == 95)
        box.add(mail(to: "large@x", text: String(repeating: "x", count: 100_000)))
        #expect(box.list().mails.map(\.recipients) == [["large@x"]])
        _ = box.delete()
        #expect(box.counts.bytes == 0 && box.counts.mails == 0)
    }

    @Test("mails are found by a recipient's address, or by a part of it")
    func search() {
        let box = mailbox()
        box.add(mail(to: "Anna@Example.org"))
        box.add(mail(to: "joanna@example.org", "bob@example.org"))
        #expect(box.list(.init(recipient: "anna@example.ORG")).mails.map(\.id) == [1])
        #expect(box.list(.init(recipient: "ANNA")).mails.map(\.id) == [2, 1])
        #expect(box.list(.init(recipient: "bob@example.org", after: 1)).mails.map(\.id) == [2])
        #expect(box.list(.init(recipient: "bob@example.org", after: 2)).mails.isEmpty)
        #expect(box.delete(.init(recipient: "bob")) == 1 && box.delete(1) && !box.delete(1))
    }

    @Test("a long list has pages")
    func pages() {
        let box = mailbox()
        for number in 1...7 { box.add(mail(to: "\(number)@x")) }
        let first = box.list(limit: 3)
        #expect(first.mails.map(\.id) == [7, 6, 5] && first.next == 5 && first.count == 7)
        let second = box.list(before: first.next, limit: 3)
        #expect(second.mails.map(\.id) == [4, 3, 2] && second.next == 2)
        let last = box.list(before: second.next, limit: 3)
        #expect(last.mails.map(\.id) == [1] && last.next == nil)
    }

    @Test("who waits gets a mail that is there, or that comes, and nothing if none comes")
    func waiting() async throws {
        let box = mailbox()
        box.add(mail(to: "a@x"))
        #expect(await box.wait(for: .init(recipient: "a@x"), within: .seconds(30))?.id == 1)
        #expect(await box.wait(for: .init(recipient: "a@x", after: 1), within: .milliseconds(20)) == nil)
        let waiter = Task { await box.wait(for: .init(recipient: "b@x"), within: .seconds(30)) }
        box.add(mail(to: "a@x"))
        box.add(mail(to: "b@x"))
        #expect(await waiter.value?.id == 3)
        let cancelled = Task { await box.wait(for: .init(recipient: "c@x"), within: .seconds(30)) }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
    }

    @Test("a change is told to all who listen")
    func changes() async {
        let box = mailbox()
        var first = box.changes().makeAsyncIterator()
        var second = box.changes().makeAsyncIterator()
        box.add(mail(to: "a@x"))
        #expect(await first.next() != nil)
        #expect(await second.next() != nil)
        box.delete()
        #expect(await first.next() != nil)
    }
}
