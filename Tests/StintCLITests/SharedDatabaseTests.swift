import Foundation
import Subprocess
import TestSupport
import Testing

@Suite("A database of several users", .inOwnFolder, .timeLimit(.minutes(5)))
struct SharedDatabaseTests {
    let place = Workplace.ofThisTest

    private func user(_ id: uid_t) -> PlatformOptions {
        var options = PlatformOptions()
        options.userID = id
        options.groupID = gid_t(id)
        options.supplementaryGroups = [gid_t(61_500)]
        return options
    }

    @Test(
        "two users of one group put and work on one database, and every file beside it belongs to the group",
        .enabled(if: geteuid() == 0, "other users can only be had by root"))
    func group() async throws {
        chmod(place.folder, 0o755)
        let stint = place.path("stint")
        try FileManager.default.copyItem(atPath: Workplace.stint, toPath: stint)
        chmod(stint, 0o755)
        try FileManager.default.createDirectory(atPath: place.path("jobs"), withIntermediateDirectories: false)
        chown(place.path("jobs"), 0, 61_500)
        chmod(place.path("jobs"), 0o2770)
        let database = ["--db", place.path("jobs/stint.db")]
        let (one, other) = (user(61_001), user(61_002))

        let put = try await place.run(stint, .init(["put", "x", "--mode", "0660"] + database), options: one)
        #expect(put.output == "1\n", "\(put)")
        let second = try await place.run(stint, .init(["put", "y"] + database), options: other)
        #expect(second.output == "2\n", "\(second)")

        let wait = "until [ -e \(place.path("go")) ] || [ ! -e \(place.folder) ]; do sleep 0.01; done"
        let worker = try await place.whileRunning(
            ["work"] + database + ["--drain", "--", "sh", "-c", wait], of: stint, options: one
        ) { _ in
            try await eventually("a job runs") {
                try await place.run(stint, .init(["stats", "--json"] + database), options: other)
                    .output.contains(#""leased":1"#)
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: place.path("jobs")) {
                let facts = try FileManager.default.attributesOfItem(atPath: place.path("jobs/\(name)"))
                #expect(try place.mode("jobs/\(name)") == "660", "\(name)")
                #expect(facts[.groupOwnerAccountID] as? Int == 61_500, "\(name)")
            }
            // What the worker runs is recorded in a file of its own.
            let workers = try await place.run(stint, .init(["workers", "--json"] + database), options: other)
            #expect(workers.output.contains(#""job":1"#), "\(workers)")
            try place.write("go")
        }
        #expect(worker.code == 0, "\(worker)")
        let stats = try await place.run(stint, .init(["stats", "--json"] + database), options: other)
        #expect(stats.output.contains(#""done":2"#), "\(stats)")
        let strangers = try await place.run(stint, .init(["stats"] + database), options: stranger)
        #expect(strangers.code == 69, "\(strangers)")
    }

    private var stranger: PlatformOptions {
        var options = user(61_003)
        options.supplementaryGroups = []
        return options
    }

    @Test("--mode counts for a database that is made, whatever the umask, and changes none that is there")
    func mode() async throws {
        // SQLite's own shell keeps the log and its shared memory, which vanish with the last process that has the
        // database open.
        let outcome = try await place.shell(
            #"""
            umask 077; "$stint" put x --mode 0640; "$stint" put y --mode 0666
            sqlite3 stint.db "SELECT count(*) FROM stint_job" ".shell stat -c '%a %n' stint.db*"
            """#)
        #expect(outcome.output.hasPrefix("1\n2\n"), "\(outcome)")
        for file in ["stint.db", "stint.db-wal", "stint.db-shm", "stint.db-lock"] {
            #expect(outcome.output.contains("640 \(file)\n"), "\(file): \(outcome)")
        }
    }
}
