import Foundation
import StintCore
import TestSupport
import Testing

@testable import StintMail

@Suite struct TextPartTests {
    private let boundary = "=_stint_fedcba9876543210"

    /// Texts of pieces that encoders treat in their own ways.
    private func texts(seed: UInt64, count: Int) -> [String] {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", " ", "  ", "\n", "\n\n", "=", "\t", ".", "\n.", "From ", "é", "=\n", " \n", "\t\n", "\u{1}", "\r\n",
            "\r",
            String(repeating: "x", count: 70), "word ", "--", boundary, "日本", "-- \n", "> ",
        ]
        return (0..<count).map { _ in
            (0..<Int.random(in: 0...40, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
        }
    }

    @Test("a text without GMime's objects has the same bytes as with them")
    func sameAsObjects() throws {
        let seed = chosenSeed()
        var encodings: Set<MIMEPart.Encoding> = []
        for text in texts(seed: seed, count: 3_000) + ["", "a", "a\n", "é"] {
            for kind in TextPart.Kind.allCases {
                let content = kind == .plain ? FlowedText.encode(text) : MailLines.withLF(text)
                let part = TextPart(kind, content, boundary: boundary)
                encodings.insert(part.encoding)
                guard let bytes = part.bytes() else {
                    #expect(part.encoding == .base64)
                    continue
                }
                #expect(try bytes == part.part().bytes(), "seed \(seed): \(text.debugDescription)")
            }
        }
        #expect(encodings == [.sevenBit, .quotedPrintable, .base64])
    }

    @Test("a text and HTML without GMime's objects have the same bytes as with them")
    func alternatives() throws {
        let seed = chosenSeed()
        let name = boundary + "_alternative"
        var same = 0
        for text in texts(seed: seed, count: 1_000) + ["", "a", "a\n", "é"] {
            let parts = [
                TextPart(.plain, FlowedText.encode(text), boundary: boundary),
                TextPart(.html, MailLines.withLF("<p>" + text), boundary: boundary),
            ]
            guard let bytes = TextPart.alternative(parts, boundary: name) else { continue }
            let objects = try MIMEPart(multipart: "alternative", parts.map { try $0.part() }, boundary: name)
            #expect(try bytes == objects.bytes(), "seed \(seed): \(text.debugDescription)")
            same += 1
        }
        #expect(same > 500)
    }
}
