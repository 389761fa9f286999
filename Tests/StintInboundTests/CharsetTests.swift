import Foundation
import Logging
import StintCore
import TestSupport
import Testing

@testable import StintInbound

@Suite("Character sets")
struct CharsetTests {
    static let rules = ReceivingRules(
        limits: InboundLimits(), now: Date(), window: .seconds(43_200), skew: .seconds(300),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

    static func mail(_ source: [UInt8], sender: String? = "ada@example.net") throws -> InboundMail {
        try MIMEReading(rules.limits).content(of: source).mail(
            .ses, id: "1", rules, envelope: Envelope(sender: sender, recipients: ["reply@in.example.org"]))
    }

    struct Sample: Sendable, CustomTestStringConvertible {
        let label: String?
        let bytes: [UInt8]
        let text: String
        var testDescription: String { "\(label ?? "none"): \(text)" }
    }

    private static let samples: [Sample] = [
        Sample(label: "ISO-8859-1", bytes: [0x47, 0x72, 0xFC, 0xDF, 0x65], text: "Grüße"),
        Sample(label: "iso-8859-1", bytes: [0x93, 0x68, 0x69, 0x94, 0x20, 0x80], text: "“hi” €"),
        Sample(label: "ISO-8859-2", bytes: [0xB3, 0xF3, 0x64, 0xBC], text: "łódź"),
        Sample(label: "iso-8859-15", bytes: [0xA4, 0x20, 0xE9], text: "€ é"),
        Sample(label: "windows-1251", bytes: [0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2], text: "Привет"),
        Sample(label: "cp1251", bytes: [0xCF, 0xF0], text: "Пр"),
        Sample(label: "Windows-1252", bytes: [0x80, 0x20, 0x8D, 0xFC], text: "€ \u{FFFD}ü"),
        Sample(label: "KOI8-R", bytes: [0xF0, 0xD2, 0xC9, 0xD7, 0xC5, 0xD4], text: "Привет"),
        Sample(label: "Shift_JIS", bytes: [0x93, 0xFA, 0x96, 0x7B, 0x87, 0x40], text: "日本①"),
        Sample(label: "GB18030", bytes: [0xC4, 0xE3, 0xBA, 0xC3], text: "你好"),
        Sample(label: "gb2312", bytes: [0xC4, 0xE3, 0xE9, 0x46], text: "你镕"),
        Sample(label: "ISO-2022-JP", bytes: [0x1B, 0x24, 0x42, 0x46, 0x7C, 0x4B, 0x5C, 0x1B, 0x28, 0x42], text: "日本"),
        Sample(label: "euc-kr", bytes: [0xB0, 0xA1], text: "가"),
        Sample(label: "utf-8", bytes: Array("Grüße 😀".utf8), text: "Grüße 😀"),
        // Mislabelled.
        Sample(label: "utf-8", bytes: [0x47, 0x72, 0xFC, 0xDF, 0x65], text: "Grüße"),
        Sample(label: "us-ascii", bytes: Array("Grüße".utf8), text: "Grüße"),
        Sample(label: "iso-8859-1", bytes: Array("Grüße €".utf8), text: "Grüße €"),
        Sample(label: nil, bytes: [0x47, 0x72, 0xFC, 0xDF, 0x65], text: "Grüße"),
        Sample(label: nil, bytes: Array("Grüße".utf8), text: "Grüße"),
        Sample(label: "no-such-set", bytes: Array("Grüße".utf8), text: "Grüße"),
        Sample(label: "no-such-set", bytes: [0xFC], text: "ü"),
        Sample(label: "utf-8", bytes: [0x61, 0, 0x62], text: "a\u{FFFD}b"),
        // Cut within a character.
        Sample(label: "utf-8", bytes: Array("Grüß".utf8.dropLast()), text: "Grü\u{FFFD}"),
    ]

    @Test("become UTF-8, as they are labelled or as they are", arguments: samples)
    func text(sample: Sample) throws {
        #expect(Charset.text(sample.bytes[...], sample.label) == sample.text)
    }

    @Test("of a mail's parts and headers", arguments: samples.filter { $0.label != nil && !$0.bytes.contains(0) })
    func part(sample: Sample) throws {
        let base64 = Data(sample.bytes).base64EncodedString()
        let source =
            "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"\(sample.label!)\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\(base64)\r\n"
        #expect(try Self.mail(Array(source.utf8)).text == sample.text)
    }

    @Test(
        "of random bytes with any label give some text",
        arguments: [
            "utf-8", "iso-8859-1", "koi8-r", "shift_jis", "gb18030", "iso-2022-jp", "utf-16", "utf-7", "hz-gb-2312", "",
            "\0", "x\"y",
            String(repeating: "a", count: 10_000), "utf-32", "big5", "euc-jp",
        ])
    func random(label: String) {
        var generator = SeededGenerator(seed: chosenSeed())
        for _ in 0..<200 {
            let text = Charset.text(generator.bytes(Int.random(in: 0...300, using: &generator))[...], label)
            #expect(!text.utf8.contains(0))
        }
    }
}
