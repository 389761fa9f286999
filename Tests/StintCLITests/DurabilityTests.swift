import Testing

/// Checks the promise against the system calls of a real process.
@Suite("What returned is on disk", .inOwnFolder, .timeLimit(.minutes(5)))
struct DurabilityTests {
    let place = Workplace.ofThisTest

    @Test(
        "an id is printed after the log was synced",
        .enabled("processes cannot be traced here") { await Tools.canTraceProcesses() })
    func enqueue() async throws {
        try await place.stint("put", "first")
        let calls = try await calls(of: ["put", "second"])
        let answer = try #require(calls.lastIndex { $0.contains("write(1<") && $0.contains(#""2\n""#) })
        try expectSynced(calls[..<answer])
    }

    @Test(
        "a command is started after its claim was synced, and its ack is synced too",
        .enabled("processes cannot be traced here") { await Tools.canTraceProcesses() })
    func claim() async throws {
        try await place.stint("put", "x")
        let calls = try await calls(of: ["work", "--drain", "--", "/bin/true"])
        let start = try #require(calls.firstIndex { $0.contains("execve(\"/bin/true\"") })
        let claim = try #require(calls[..<start].lastIndex { isLogWrite($0) })
        #expect(calls[claim..<start].contains(where: isLogSync), "the claim was not synced before the start")
        try expectSynced(calls[...])
    }

    /// One line `PID SYSCALL(FD</path>, …) = RESULT` for each, in order.
    private func calls(of arguments: [String]) async throws -> [String] {
        let outcome = try await place.run(
            "/usr/bin/strace",
            .init(
                [
                    "-f", "-y", "-s", "64", "-e", "trace=pwrite64,fdatasync,fsync,write,execve", "-o", "trace",
                    Workplace.stint,
                ]
                    + arguments))
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try place.lines("trace")
    }

    private func isLogWrite(_ call: String) -> Bool { call.contains("pwrite64(") && call.contains("stint.db-wal>") }

    private func isLogSync(_ call: String) -> Bool {
        (call.contains("fdatasync(") || call.contains("fsync(")) && call.contains("stint.db-wal>")
    }

    private func expectSynced(_ calls: ArraySlice<String>) throws {
        let written = try #require(calls.lastIndex(where: isLogWrite), "nothing was written")
        #expect(calls[written...].contains(where: isLogSync), "the last write was not synced")
    }
}
