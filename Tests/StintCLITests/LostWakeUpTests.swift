import Foundation
import Subprocess
import TestSupport
import Testing

@Suite("No job is left lying", .inOwnFolder, .timeLimit(.minutes(5)))
struct LostWakeUpTests {
    let place = Workplace.ofThisTest

    @Test(
        "a job whose commit waits three seconds for the disk is started, though nobody commits after it",
        .enabled("strace may not be used here") { await Tools.canTraceProcesses() })
    func slowSync() async throws {
        try await place.stint("put", "x", "--queue", "q")
        let outcome = try await place.whileRunning(["work", "--queue", "q", "--", "true"]) { process in
            try await eventually("it has done a job, and waits") { try await place.counts("q").done == 1 }
            // It is notified that there is nothing for it.
            try await place.stint("put", "x", "--queue", "other")
            let insert = """
                PRAGMA busy_timeout = 30000; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL;
                INSERT INTO stint_enqueue (queue, payload) VALUES ('q', 'x');
                """
            // The frames are in the log, and the commit can be seen when the disk has them.
            let writer = try await place.run(
                "/usr/bin/strace",
                [
                    "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e",
                    "inject=fsync,fdatasync:delay_enter=3000000", "sqlite3", "stint.db", insert,
                ])
            #expect(writer.code == 0, "\(writer.errors)")
            try await eventually("it is done", within: .seconds(20)) { try await place.counts("q").done == 2 }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0)
    }
}
