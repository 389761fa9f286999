import TestSupport
import Testing

@testable import StintMail

@Suite struct SMTPContentTests {
    @Test(
        "a dot at the beginning of a line is doubled, and the message ends with a dot alone",
        arguments: [
            ("", ".|"), (".", "..|.|"), (".|", "..|.|"), ("..|", "...|.|"), ("a|.|", "a|..|.|"), ("a.|", "a.|.|"),
            ("|.", "|..|.|"), ("a|.b|..c|d.e|", "a|..b|...c|d.e|.|"), ("a", "a|.|"), (".|.|.|", "..|..|..|.|"),
        ])
    func stuffing(message: String, expected: String) {
        func bytes(_ text: String) -> [UInt8] { Array(text.replacing("|", with: "\r\n").utf8) }
        #expect(
            String(decoding: SMTPContent.bytes(of: bytes(message)), as: UTF8.self)
                == expected.replacing("|", with: "\r\n"))
    }
}
