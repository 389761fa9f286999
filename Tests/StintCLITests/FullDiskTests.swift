import Foundation
import Testing

/// Whether a file system of 4 MiB can be mounted in a mount namespace of its own; it vanishes with its last process.
private let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"]
    process.standardError = FileHandle.nullDevice
    do {
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    } catch {
        return false
    }
}()

@Suite("A full disk is an error and no crash", .inOwnFolder, .timeLimit(.minutes(15)))
struct FullDiskTests {
    let place = Workplace.ofThisTest

    /// Runs a script in a folder `disk` with 4 MiB of space. `fill` takes all of it but the given bytes.
    private func onSmallDisk(_ script: String) async throws -> Outcome {
        try place.write(
            "script",
            Array(
                """
                mount -t tmpfs -o size=4m none disk && cd disk || exit 99
                fill() { cat /dev/zero > filler 2> /dev/null; truncate -s -$1 filler; }
                await() { tries=0; until eval "$1"; do [ $((tries += 1)) -lt 2000 ] || exit 98; sleep 0.01; done; }
                \(script)
                """.utf8))
        return try await place.shell("mkdir disk; unshare --mount --map-root-user sh script")
    }

    @Test(
        "put on a full disk changes nothing, says so with exit 69, and works again when there is room",
        .enabled(if: canMount))
    func put() async throws {
        let outcome = try await onSmallDisk(
            """
            "$stint" put first; fill 100000
            head -c 1000000 /dev/urandom > ../payload
            "$stint" put --file ../payload; echo "exit $?"
            "$stint" stats --json
            rm filler
            "$stint" put --file ../payload; echo "exit $?"
            "$stint" show 2 --payload | cmp - ../payload && "$stint" doctor
            """)
        #expect(
            outcome.output.hasPrefix(
                """
                1
                exit 69
                {"queues":[{"buried":0,"cancelled":0,"delayed":0,"done":0,"expired":0,"leased":0,"name":"default","paused":false,"ready":1}]}
                2
                exit 0
                ok 
                """), "\(outcome)")
        #expect(outcome.code == 0)
        #expect(
            outcome.errors == """
                stint: the disk under the database 'stint.db' is full; nothing was changed: free some space and try again \
                (running jobs can be settled meanwhile, 256 of 256 KiB are left for that)

                """)
    }

    @Test("a new database on a full disk is refused and leaves no file", .enabled(if: canMount))
    func newDatabase() async throws {
        let outcome = try await onSmallDisk(#"fill 8192; "$stint" put first; echo "exit $?"; ls"#)
        #expect(outcome.output == "exit 69\nfiller\n", "\(outcome)")
        #expect(outcome.errors.hasPrefix("stint: the disk") && outcome.errors.count(where: \.isNewline) == 1)
    }

    /// Two worker processes whose handlers run until the file `go` exists.
    private let runningWorker = """
        "$stint" put first > /dev/null; "$stint" put second > /dev/null
        "$stint" work --workers 2 --lease 1h -- sh -c 'echo run >> ../log; \(untilThere("../go"))' 2> ../errors & worker=$!
        trap 'kill -KILL $worker' EXIT
        await '[ "$(cat ../log 2> /dev/null | wc -l)" = 2 ]'
        is_done() { "$stint" stats --json | grep '"done":2'; }
        """

    @Test(
        "on a full disk running jobs are acknowledged, and jobs are taken on when there is room", .enabled(if: canMount)
    )
    func worker() async throws {
        let outcome = try await onSmallDisk(
            """
            \(runningWorker)
            fill 0; touch ../go
            await is_done
            "$stint" put third; echo "exit $?"
            "$stint" doctor | grep reserve | sed 's/reserve: [0-9]*/reserve: N/'
            rm filler
            "$stint" put third; echo "exit $?"
            "$stint" doctor | grep reserve
            kill -TERM $worker; wait $worker; echo "exit $?"; trap - EXIT
            """)
        #expect(
            outcome.output == """
                {"queues":[{"buried":0,"cancelled":0,"delayed":0,"done":2,"expired":0,"leased":0,"name":"default","paused":false,"ready":0}]}
                exit 69
                WRONG reserve: N of 256 KiB are kept for acks on a full disk: no new jobs are accepted until it fits; free some \
                space
                3
                exit 0
                ok    reserve: 256 of 256 KiB are kept for acks on a full disk
                exit 0

                """, "\(outcome)")
        // Each job once.
        #expect(try place.lines("log").count <= 3)
    }

    @Test(
        "where the reserve is used up too, workers hold their jobs until the acks fit, and run them once",
        .enabled(if: canMount))
    func withoutReserve() async throws {
        let outcome = try await onSmallDisk(
            """
            \(runningWorker)
            truncate -s 0 stint.db-reserve; fill 0; touch ../go
            await "grep -q 'is full' ../errors"
            "$stint" stats --json
            rm filler
            await is_done
            kill -TERM $worker; wait $worker; echo "exit $?"; trap - EXIT
            """)
        #expect(
            outcome.output == """
                {"queues":[{"buried":0,"cancelled":0,"delayed":0,"done":0,"expired":0,"leased":2,"name":"default","paused":false,"ready":0}]}
                {"queues":[{"buried":0,"cancelled":0,"delayed":0,"done":2,"expired":0,"leased":0,"name":"default","paused":false,"ready":0}]}
                exit 0

                """, "\(outcome)")
        #expect(try place.lines("log") == ["run", "run"])
    }

    @Test("what is there can be read on a disk without any room, also by the first to open it", .enabled(if: canMount))
    func reading() async throws {
        let outcome = try await onSmallDisk(
            """
            "$stint" put first
            # A process may end before it has closed the database.
            await '[ ! -e stint.db-shm ] || { "$stint" stats > /dev/null; false; }'
            fill 0
            "$stint" show 1 --payload; echo " exit $?"
            """)
        #expect(outcome.output == "1\nfirst exit 0\n", "\(outcome)")
    }

    @Test("a file size limit is an error too")
    func sizeLimit() async throws {
        try await place.stint("put", "first")
        let payload = [UInt8](repeating: 0x61, count: 4_000_000)
        try place.write("payload", payload)
        // In units of 512 bytes. Beyond that a write fails with a signal, SIGXFSZ, that ends a process by default.
        let outcome = try await place.shell(#"ulimit -f 2000; exec "$stint" put --file payload"#)
        #expect(outcome.code == 69, "\(outcome)")
        #expect(outcome.errors.hasPrefix("stint: the disk") && outcome.errors.count(where: \.isNewline) == 1)
        #expect(outcome.output == "")
        #expect(try await place.counts().ready == 1)
        #expect(try await place.stint("put", "--file", "payload") == "2\n")
    }
}
