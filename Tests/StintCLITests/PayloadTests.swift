import Subprocess
import TestSupport
import Testing

/// Payloads that some step on the way, in some locale, might change.
private enum Payload: String, CaseIterable {
    case allBytes, emoji, rightToLeft, lineBreaks, random, empty

    var bytes: [UInt8] {
        switch self {
        case .allBytes: Array(0...255)
        case .emoji: Array("👩🏽‍🚀 🏳️‍🌈 é and e\u{301} 𝕊𝕥𝕚𝕟𝕥".utf8)
        case .rightToLeft: Array("שלום, العالم! \u{202E}mirrored\u{202C} \u{FEFF}".utf8)
        case .lineBreaks: Array("\r\n\n\r \u{2028}\t\u{1B}[31m '\"\\ $HOME `id` %s \n".utf8)
        case .random: randomMegabyte
        case .empty: []
        }
    }

    /// An argument has no NUL, is UTF-8 and is at most 128 KiB long.
    var canBeArgument: Bool {
        switch self {
        case .allBytes, .random: false
        case .emoji, .rightToLeft, .lineBreaks, .empty: true
        }
    }
}

private let randomMegabyte: [UInt8] = {
    var chance = SeededGenerator(seed: chosenSeed(for: "Payloads"))
    return chance.bytes(1_048_576)
}()

@Suite("Payload bytes come back as they went in, in the C locale too", .inOwnFolder, .timeLimit(.minutes(15)))
struct PayloadTests {
    let place = Workplace.ofThisTest

    @Test("from standard input, a file and an argument to show --payload and to a command", arguments: Payload.allCases)
    private func exact(payload: Payload) async throws {
        let bytes = payload.bytes
        let plain: [Environment.Key: String?] = ["LANG": "C", "LC_ALL": "C", "LANGUAGE": nil]
        try place.write("payload", bytes)
        try await place.stint("put", "-", input: bytes, environment: plain)
        try await place.stint("put", "--file", "payload", environment: plain)
        var count = 2
        if payload.canBeArgument {
            try await place.stint("put", "--", String(decoding: bytes, as: UTF8.self), environment: plain)
            count += 1
        }
        for id in 1...count {
            let shown = try await place.attempt("show", "\(id)", "--payload", environment: plain)
            #expect(shown.code == 0)
            #expect(shown.bytes == bytes)
        }
        try await place.stint(
            "work", "--drain", "--", "sh", "-c", "cat > out-$STINT_JOB_ID", environment: plain)
        for id in 1...count { #expect(try place.read("out-\(id)") == bytes) }
        #expect(try await place.counts().done == count)
    }

    @Test("headers, queue names and the command's arguments keep their characters in the C locale")
    func text() async throws {
        let plain: [Environment.Key: String?] = ["LANG": "C", "LC_ALL": "C"]
        let name = "Žofie 👩🏽‍🚀 שלום"
        try await place.stint("put", "a", "--queue", "почта", "--header", "name=\(name)", environment: plain)
        let output = try await place.stint(
            "work", "--drain", "--queue", "почта", "--", "sh", "-c",
            #"printf "%s|%s|%s" "$STINT_HEADER_NAME" "$STINT_QUEUE" "$1""#, "sh", name,
            environment: plain)
        #expect(output == "worker 1: job 1: \(name)|почта|\(name)\n")
    }
}
