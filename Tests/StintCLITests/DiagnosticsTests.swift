import Testing

@Suite("stint show tells how an attempt's process ended", .inOwnFolder, .timeLimit(.minutes(15)))
struct DiagnosticsTests {
    let place = Workplace.ofThisTest

    /// Job 1 writes to standard error, dies of SIGSEGV and is buried.
    private func crash(_ errors: String) async throws {
        try await place.stint("put", "x", "--max-crashes", "1")
        let outcome = try await place.attempt(
            "work", "--drain", "--", "sh", "-c", "printf '\(errors)' >&2; kill -SEGV $$")
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test("a crash is shown with its signal, its time, its memory and the last lines of standard error")
    func crashed() async throws {
        try await crash(#"first\n\nlast\n"#)
        let text = try await place.stint("show", "1")
        #expect(text.contains(#/\nattempt 1 +crashed at /#))
        #expect(text.contains(#/\n +killed by SIGSEGV after [0-9.]+ m?s, peak memory [0-9.]+ [KMG]iB\n/#))
        #expect(text.contains(#/\n +standard error:\n +\| first\n +\|\s*\n +\| last\n/#))
        // The error's excerpt of the standard error that is printed in full is not repeated.
        #expect(text.split(separator: "attempt 1").last?.components(separatedBy: "last").count == 2)
    }

    @Test("--json has all of it in failures[].diagnostics")
    func json() async throws {
        try await crash("oops")
        let diagnostics = try #require(try await place.job(1).failures?.first?.diagnostics)
        #expect((diagnostics.signal, diagnostics.exitCode, diagnostics.standardError) == ("SIGSEGV", nil, "oops"))
        #expect(try #require(diagnostics.peakMemoryBytes) > 0)
        #expect(try #require(diagnostics.runTimeMilliseconds) >= 0)
    }

    @Test("an attempt that failed is shown with its exit code and what is known besides")
    func failed() async throws {
        try await place.stint("put", "x", "--max-attempts", "1")
        _ = try await place.attempt("work", "--drain", "--", "sh", "-c", "exit 3")
        let text = try await place.stint("show", "1")
        #expect(text.contains(#/\n +exit 3 after [0-9.]+ m?s, peak memory/#))
        #expect(!text.contains("standard error"))
        #expect(text.split(separator: "attempt 1").last?.components(separatedBy: "exit 3").count == 2, "said once")
    }

    @Test("standard error reaches a terminal only escaped")
    func escapes() async throws {
        try await crash(#"\033[2Jcleared\n\033]0;title\a\n"#)
        let text = try await place.stint("show", "1")
        #expect(text.contains(#"| \u{1B}[2Jcleared"#))
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
    }

    @Test("a buried job, and no other, ends with how to kick it in the same database")
    func kick() async throws {
        try await place.stint("put", "x", "--db", "it's.db")
        #expect(!(try await place.stint("show", "1", "--db", "it's.db")).contains("kick"))
        try await place.stint("bury", "1", "--db", "it's.db")
        let text = try await place.stint("show", "1", "--db", "it's.db")
        let hint = try #require(text.split(separator: "\n").last)
        #expect(hint.hasPrefix("kick it with: stint kick 1 --db "))
        // A shell takes it as it stands.
        let words = hint.dropFirst("kick it with: stint ".count)
        #expect(try await place.shell("\"$stint\" \(words)").output == "kicked 1\n")
        try await place.stint("put", "x")
        try await place.stint("bury", "1")
        #expect(try await place.stint("show", "1").hasSuffix("\n\nkick it with: stint kick 1\n"))
    }
}
