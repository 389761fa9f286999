import Foundation
import Subprocess
import TestSupport
import Testing

/// Real processes under clocks that jump.
@Suite("A clock that jumps expires no lease and buries nothing", .inOwnFolder, .timeLimit(.minutes(5)))
struct ClockTests {
    let place = Workplace.ofThisTest

    /// Runs `body` while a worker without a supervisor holds job 1, for as long as the test runs.
    private func whileLeased(_ body: () async throws -> Void) async throws {
        try await place.stint("put", "wait")
        _ = try await place.whileRunning(["alone", "stint.db", "60000"], of: Workplace.crashingWorker) { worker in
            try await eventually("the job runs") { try place.lines("starts") == ["1 wait"] }
            try await body()
            #expect(try await place.counts().leased == 1)
            #expect(try await place.job(1).attempts == 1)
            try place.write("go")
            try await eventually("it is done") { try await place.counts().done == 1 }
            worker.send(SIGKILL)
        }
        #expect(try place.lines("starts") == ["1 wait"], "it ran once")
    }

    /// Only the wall clock differs, as when it is set.
    private func shifted(_ offset: String, _ arguments: String...) async throws -> String {
        let outcome = try await place.run(
            FakeTime.program(), .init(["-f", offset, Workplace.stint] + arguments),
            environment: ["DONT_FAKE_MONOTONIC": "1"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output
    }

    @Test("a reaper whose wall clock is an hour ahead or behind takes nothing back", arguments: ["+1h", "-1h"])
    func wallClock(_ offset: String) async throws {
        try await whileLeased {
            let report = try await shifted(offset, "reap")
            #expect(report == "requeued 0, buried 0, pruned 0\n")
        }
    }

    @Test("the wall clock counts for the time of a delayed job, and for nothing else")
    func delay() async throws {
        try await place.stint("put", "--delay", "30m", "later")
        try await place.stint("put", "now")
        let outcome = try await place.run(
            FakeTime.program(),
            .init(["-f", "+1h", Workplace.stint, "work", "--drain", "--", "sh", "-c", "cat >> ran; echo >> ran"]),
            environment: ["DONT_FAKE_MONOTONIC": "1"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(Set(try place.lines("ran")) == ["later", "now"])
    }

    @Test(
        "a reaper in a time namespace whose monotonic clock is a day ahead takes nothing back",
        .enabled("time namespaces cannot be made here") { await Tools.canMakeNamespaces("--time") })
    func timeNamespace() async throws {
        try await whileLeased {
            let outcome = try await place.run(
                "/usr/bin/unshare", .init(["--time", "--monotonic", "86400", "--fork", Workplace.stint, "reap"]))
            #expect(outcome.output == "requeued 0, buried 0, pruned 0\n", "\(outcome.errors)")
        }
    }
}
