import Testing

@Suite("Standard output goes wrong quietly or with a sentence", .inOwnFolder, .timeLimit(.minutes(15)))
struct OutputTests {
    let place = Workplace.ofThisTest

    private func put(lines: Int) async throws {
        let text = (1...lines).map { "payload \($0)\n" }.joined()
        try await place.stint("put", "--lines", input: Array(text.utf8))
    }

    @Test("a reader that goes away ends a long list quietly, with exit 0")
    func list() async throws {
        try await put(lines: 5_000)
        let outcome = try await place.shell(
            #"{ "$stint" list --limit 5000 --json; echo $? > code; } | head -1"#)
        #expect(outcome.output.hasPrefix("{") && outcome.output.hasSuffix("}\n"))
        #expect(outcome.output.count(where: \.isNewline) == 1)
        #expect(outcome.errors == "")
        #expect(try place.lines("code") == ["0"])
    }

    @Test("a reader that goes away ends show --payload and put quietly too; the job is put")
    func showAndPut() async throws {
        try place.write("payload", [UInt8](repeating: 0x61, count: 1_048_576))
        try await place.stint("put", "--file", "payload")
        let show = try await place.shell(#"{ "$stint" show 1 --payload; echo $? > code; } | head -c 1"#)
        #expect((show.output, show.errors) == ("a", ""))
        #expect(try place.lines("code") == ["0"])

        let put = try await place.shell(
            "{ \(untilThere("closed")); \"$stint\" put x; echo $? > code; } | { exec <&-; touch closed; }"
        )
        #expect(put.errors == "")
        #expect(try place.lines("code") == ["0"])
        #expect(try await place.counts().ready == 2)
    }

    @Test(
        "output to a full disk exits with 1 and a sentence",
        arguments: [
            "list", "list --json", "stats", "stats --json", "show 1", "show 1 --payload", "reap", "doctor",
            "workers", "top --interval 100ms", "pause default", "bury 1",
        ])
    func fullDisk(command: String) async throws {
        try await place.stint("put", "x")
        let outcome = try await place.shell(#""$stint" \#(command) > /dev/full"#)
        #expect(outcome.code == 1)
        #expect(outcome.errors == "stint: standard output cannot be written: No space left on device\n")
    }

    @Test("control characters of a payload, a header and a reason reach a terminal only escaped")
    func escapes() async throws {
        let nasty = "\u{1B}[2J\u{1B}]0;title\u{7}\u{9B}31m"
        try await place.stint("put", nasty, "--max-attempts", "1", "--unique", nasty)
        _ = try await place.attempt("work", "--drain", "--", "sh", "-c", #"printf '\033[2Jsaid\a' >&2; exit 1"#)
        let shown = try await place.stint("show", "1")
        let listed = try await place.stint("list")
        #expect(shown.contains("said") && listed.contains("said"))
        for text in [shown, listed] {
            #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        }
        #expect(try await place.stint("show", "1", "--payload") == nasty)
    }

    @Test("what goes to no terminal has no colours and no progress bars")
    func plain() async throws {
        let text = (1...3_000).map { "payload \($0)\n" }.joined()
        let put = try await place.attempt("put", "--lines", input: Array(text.utf8))
        #expect((put.output, put.errors) == ("3000\n", ""))
        let work = try await place.attempt("work", "--drain", "--queue", "none", "--", "true")
        #expect((work.code, work.output, work.errors) == (0, "", ""))
        for command in ["stats", "list", "show 1", "workers", "top --interval 100ms", "doctor"] {
            let outcome = try await place.shell("\"$stint\" \(command)")
            #expect(outcome.code == 0 && !(outcome.output + outcome.errors).contains("\u{1B}"))
        }
    }
}
