import TestSupport
import Testing

@testable import StintMail

@Suite struct SMTPReplyReaderTests {
    private func read(_ pieces: [[UInt8]]) -> (replies: [[String]], reader: SMTPReplyReader) {
        var reader = SMTPReplyReader()
        var replies: [[String]] = []
        for piece in pieces {
            piece.withUnsafeBytes { reader.append($0) }
            while let lines = reader.next() { replies.append(lines.map { String(decoding: $0, as: UTF8.self) }) }
        }
        return (replies, reader)
    }

    @Test("answers are the same however their bytes come")
    func pieces() {
        let bytes = Array("250-a\r\n250-b\r\n250 c\r\n354\n550 5.1.1 no\r\n\r\n".utf8)
        let expected = [["250-a", "250-b", "250 c"], ["354"], ["550 5.1.1 no"], [""]]
        #expect(read([bytes]).replies == expected)
        #expect(read(bytes.map { [$0] }).replies == expected)
        for cut in bytes.indices { #expect(read([Array(bytes[..<cut]), Array(bytes[cut...])]).replies == expected) }
    }

    @Test("the beginning of an answer counts as something that waits")
    func beginning() {
        #expect(SMTPReplyReader().isEmpty)
        #expect(!read([Array("2".utf8)]).reader.isEmpty)
        #expect(!read([Array("250-a\r\n".utf8)]).reader.isEmpty)
        #expect(read([Array("250 a\r\n".utf8)]).reader.isEmpty)
    }

    @Test("an answer without an end is not kept, and is known")
    func endless() {
        for piece in ["250-more\r\n", "x"] {
            let pieces = Array(repeating: Array(String(repeating: piece, count: 1_000).utf8), count: 100)
            let (replies, reader) = read(pieces)
            #expect(replies.isEmpty && reader.isTooLong)
        }
        let long = Array("250 ".utf8) + Array(repeating: UInt8(ascii: "x"), count: 10_000) + Array("\r\n".utf8)
        #expect(read([long]).replies.map { $0[0].utf8.count } == [SMTPReplyReader.longestLine])
    }
}
