import Foundation
import Testing

@Suite("Mounts", .inOwnFolder, .timeLimit(.minutes(10)))
struct MountTests {
    let place = Workplace.ofThisTest

    /// Runs in a mount namespace, which vanishes with its last process. A user namespace is not used: in it, a
    /// read-only mount of another one could not be distinguished from it.
    private func inNamespace(_ script: String) async throws -> Outcome {
        try place.write("script", Array(script.utf8))
        return try await place.shell("unshare --mount sh script")
    }

    private static func canMount() async -> Bool {
        await Tools.canMakeNamespaces("--mount") && geteuid() == 0
    }

    @Test(
        "a database of which only one file is mounted is refused, with the advice to mount the folder",
        .enabled("file systems cannot be mounted here: it needs root") { await canMount() },
        arguments: ["", "-wal", "-shm"])
    func fileAlone(suffix: String) async throws {
        try await place.stint("put", "x")
        let outcome = try await inNamespace(
            """
            mkdir inner && for file in stint.db stint.db-wal stint.db-shm; do : >> $file; cp $file inner/; done
            mount --bind stint.db\(suffix) inner/stint.db\(suffix) || exit 99
            for command in "put y" stats doctor "work --drain -- true"; do
                STINT_DB=inner/stint.db "$stint" $command; echo "exit $?"
            done
            """)
        #expect(outcome.output == String(repeating: "exit 69\n", count: 4), "\(outcome)")
        #expect(
            outcome.errors.contains("'inner/stint.db\(suffix)' is mounted by itself")
                && outcome.errors.contains("mount the whole folder 'inner' instead"), "\(outcome)")
    }

    @Test(
        "a database whose folder is mounted is the same database",
        .enabled("file systems cannot be mounted here: it needs root") { await canMount() })
    func folder() async throws {
        let outcome = try await inNamespace(
            """
            mkdir data inner && "$stint" put x --db data/stint.db && mount --bind data inner || exit 99
            "$stint" put y --db inner/stint.db && "$stint" stats --json --db data/stint.db
            """)
        #expect(outcome.output.hasPrefix("1\n2\n") && outcome.output.contains(#""ready":2"#), "\(outcome)")
    }

    /// The folder `data` after two jobs, as a crash leaves it: the second is only in the log, since SQLite's own shell
    /// has the database open while it is copied. (A `put` that ends by itself checkpoints the log, if it is the last
    /// one.)
    private let crash = """
        mkdir made && "$stint" put w --db made/stint.db > /dev/null \
            && sqlite3 made/stint.db "SELECT count(*) FROM stint_job" ".shell '$stint' put x --db made/stint.db && cp made/* data" \
                > /dev/null && test -s data/stint.db-wal
        """

    /// Mounts read-only what `prepare` has left in the folder.
    private func readOnly(after prepare: String, _ script: String) async throws -> Outcome {
        try await inNamespace(
            """
            mkdir data && \(prepare) && mount --bind data data && mount -o remount,ro,bind data || exit 99
            \(script)
            """)
    }

    private let reading = """
        for command in "stats --json" "list --json" "show 2 --payload" workers doctor "top --once --interval 100ms"; do
            "$stint" $command --db data/stint.db > output 2>&1 || { echo "$command: exit $?"; cat output; }
        done
        "$stint" show 2 --payload --db data/stint.db; echo
        "$stint" backup copy.db --db data/stint.db && "$stint" show 2 --payload --db copy.db; echo
        """

    @Test(
        "commands that read work on a read-only medium: without a log, and with one that was left by a crash",
        .enabled("file systems cannot be mounted here: it needs root") { await canMount() },
        // SQLite's own shell checkpoints the log at its end.
        arguments: [
            #"sqlite3 data/stint.db "SELECT count(*) FROM stint_job" > /dev/null && ! test -e data/stint.db-wal"#,
            "true",
        ])
    func readOnlyMedium(end: String) async throws {
        let outcome = try await readOnly(after: "\(crash) && \(end)", reading)
        #expect(outcome.output == "x\ncopied to copy.db\nx\n" && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test(
        "a log on a read-only medium that cannot be read is said to be so, with what to do",
        .enabled("file systems cannot be mounted here: it needs root") { await canMount() })
    func unreadableLog() async throws {
        let outcome = try await readOnly(
            after: "\(crash) && rm data/stint.db-shm",
            """
            "$stint" stats --db data/stint.db; echo "exit $?"
            cp -r data copy && "$stint" show 2 --payload --db copy/stint.db
            """)
        #expect(outcome.output == "exit 69\nx", "\(outcome)")
        #expect(
            outcome.errors.contains("has changes in 'data/stint.db-wal' that cannot be read here")
                && outcome.errors.contains("copy the database together with -wal"), "\(outcome)")
    }

    @Test(
        "commands that write call a read-only file system by its name",
        .enabled("file systems cannot be mounted here: it needs root") { await canMount() })
    func writing() async throws {
        let outcome = try await readOnly(
            after: #""$stint" put x --db data/stint.db > /dev/null"#,
            """
            for command in "put y" "pause default" reap "delete 1"; do
                "$stint" $command --db data/stint.db; echo "exit $?"
            done
            "$stint" put y --db data/new.db; echo "exit $?"
            """)
        #expect(outcome.output == String(repeating: "exit 69\n", count: 5), "\(outcome)")
        let lines = outcome.errors.split(separator: "\n")
        #expect(
            lines.count == 5 && lines.allSatisfy { $0.contains("is on a file system that is mounted read-only") },
            "\(outcome)")
    }
}
