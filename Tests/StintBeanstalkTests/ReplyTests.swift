import NIOCore
import StintCore
import Testing

@testable import StintBeanstalk

@Suite("Replies are those of the protocol")
struct ReplyTests {
    @Test(
        "a reply is sent as the protocol says",
        arguments: [
            (Reply.inserted(JobID(rawValue: 7)), "INSERTED 7\r\n"), (.using("mail"), "USING mail\r\n"),
            (.reserved(JobID(rawValue: 7), [0x61, 0x0D, 0x0A]), "RESERVED 7 3\r\na\r\n\r\n"),
            (.found(JobID(rawValue: 7), []), "FOUND 7 0\r\n\r\n"), (.watching(2), "WATCHING 2\r\n"),
            (.kicked(0), "KICKED 0\r\n"), (.kickedJob, "KICKED\r\n"), (.ok("---\n- a\n"), "OK 8\r\n---\n- a\n\r\n"),
            (.badFormat, "BAD_FORMAT\r\n"), (.unknownCommand, "UNKNOWN_COMMAND\r\n"),
            (.outOfMemory, "OUT_OF_MEMORY\r\n"), (.internalError, "INTERNAL_ERROR\r\n"),
            (.expectedCRLF, "EXPECTED_CRLF\r\n"), (.jobTooBig, "JOB_TOO_BIG\r\n"), (.draining, "DRAINING\r\n"),
            (.deadlineSoon, "DEADLINE_SOON\r\n"), (.timedOut, "TIMED_OUT\r\n"), (.deleted, "DELETED\r\n"),
            (.released, "RELEASED\r\n"), (.buried, "BURIED\r\n"), (.touched, "TOUCHED\r\n"), (.paused, "PAUSED\r\n"),
            (.notFound, "NOT_FOUND\r\n"), (.notIgnored, "NOT_IGNORED\r\n"),
        ] as [(Reply, String)])
    func reply(_ reply: Reply, _ text: String) {
        var buffer = ByteBuffer()
        reply.write(to: &buffer)
        #expect(String(buffer: buffer) == text)
    }
}
