import Foundation
import GRDB
import TestSupport
import Testing

@Suite("stint restore", .inOwnFolder, .timeLimit(.minutes(10)))
struct RestoreTests {
    let place = Workplace.ofThisTest

    private var aside: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: place.folder).filter {
                $0.contains(/stint\.db-before-restore-\d{8}T\d{6}Z$/)
            }
        }
    }

    @Test("brings back what `stint backup` has copied, and keeps the old database with its log")
    func restore() async throws {
        try await place.stint("put", "--lines", input: Array("a\nb\n".utf8))
        try await place.stint("backup", "copy.db")
        let before = try await place.stint("list", "--json")
        let reader = try holdLog()
        try await place.stint("put", "c")
        let output = try await place.stint("restore", "copy.db")
        #expect(output.hasPrefix("restored 2 jobs to stint.db\nthe previous database is in "))
        #expect(try await place.stint("list", "--json") == before)
        #expect(try await place.stint("doctor").contains("file: sound"))
        #expect(try place.mode("stint.db") == "600")
        let old = try #require(try aside.first)
        #expect(output.contains(old) && place.exists("\(old)-wal"))
        withExtendedLifetime(reader) {}
        #expect(try await place.stint("list", "--json", "--db", old).contains(#""id":3"#))
        // The backup is as it was, and can be used again.
        try await place.stint("restore", "copy.db")
        #expect(try await place.stint("list", "--json") == before)
    }

    /// As long as a process has the database open, its log stays.
    private func holdLog() throws -> DatabaseQueue {
        let reader = try DatabaseQueue(path: place.path("stint.db"))
        _ = try reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM stint_jobs") }
        return reader
    }

    @Test("a database that is gone, empty, garbage or has lost its log's file gets one, and what was there is kept")
    func broken() async throws {
        try await place.stint("put", "x")
        try await place.stint("backup", "copy.db")
        for damage in ["rm stint.db", "rm stint.db*", ": > stint.db", "head -c 50000 /dev/urandom > stint.db"] {
            _ = try await place.shell(damage)
            let outcome = try await place.attempt("restore", "copy.db", "--to", "stint.db")
            #expect(outcome.code == 0 && outcome.output.hasPrefix("restored 1 jobs"), "\(damage): \(outcome)")
            #expect(try await place.stint("show", "1", "--payload") == "x")
            // What was given out since the backup is not known.
            #expect(try await place.stint("put", "y").trimmingCharacters(in: .newlines) > "1000000000", "\(damage)")
        }
    }

    @Test("no id and no fencing token is given out a second time")
    func ids() async throws {
        try await place.stint("put", "--lines", input: Array("a\nb\n".utf8))
        try await place.stint("backup", "copy.db")
        try await place.stint("put", "--lines", input: Array("c\nd\ne\n".utf8))
        let print = ["sh", "-c", "echo $STINT_TOKEN >> tokens"]
        _ = try await place.attempt(["work", "--drain", "--batch", "1", "--"] + print)
        let before = try place.lines("tokens").compactMap { Int($0) }
        #expect(before.count == 5)
        try await place.stint("restore", "copy.db")
        #expect(try await place.stint("put", "f") == "6\n")
        _ = try await place.attempt(["work", "--drain", "--batch", "1", "--"] + print)
        let after = try place.lines("tokens").compactMap { Int($0) }.dropFirst(5)
        #expect(after.count == 3 && after.allSatisfy { $0 > before.max()! }, "\(before), then \(after)")
    }

    @Test("nor where a new database was made in the place of one that was lost")
    func idsOfLostDatabase() async throws {
        try await place.stint("put", "a")
        try await place.stint("backup", "copy.db")
        try await place.stint("put", "--lines", input: Array("b\nc\nd\n".utf8))
        _ = try await place.shell("rm stint.db*")
        #expect(try await place.stint("put", "new") == "1\n")
        try await place.stint("restore", "copy.db")
        #expect(try await place.stint("put", "e") == "1000000002\n")
        // From now on it is the same database.
        try await place.stint("restore", "copy.db")
        #expect(try await place.stint("put", "f") == "1000000003\n")
    }

    @Test("with workers running they stop with exit 69; what ran when the backup was made is ready again, at no cost")
    func running() async throws {
        try await place.stint("put", "x", "--max-attempts", "1")
        let outcome = try await place.whileRunning(
            ["work", "--lease", "1s", "--", "sh", "-c", "touch started; \(untilThere("go"))"]
        ) { _ in
            try await eventually("the job runs") { place.exists("started") }
            try await place.stint("backup", "copy.db")
            let output = try await place.stint("restore", "copy.db")
            #expect(output.contains("1 that were running at the time of the backup are ready again"))
            try place.write("go")
        }
        #expect(outcome.code == 69 && outcome.errors.contains("was replaced by another file"), "\(outcome)")
        let job = try await place.job(1)
        #expect((job.state, job.attempts, job.crashes) == ("ready", 0, 0))
        #expect(try await place.stint("workers") == "no workers\n")
        _ = try await place.attempt("work", "--drain", "--", "true")
        #expect(try await place.counts().done == 1)
        #expect(try await place.stint("doctor").contains("counts: of 1 queues agree"))
    }

    @Test("every put that was answered before a restore is in the old file, and every one after it in the new")
    func underLoad() async throws {
        try await place.stint("put", "first")
        try await place.stint("backup", "copy.db")
        let outcome = try await place.shell(
            """
            (while [ ! -e stop ]; do "$stint" put x >> answered 2>> errors; done) & producer=$!
            tries=0; until [ "$(cat answered 2> /dev/null | wc -l)" -ge 5 ]; do sleep 0.01; done
            "$stint" restore copy.db; echo "exit $?"
            count=$(cat answered | wc -l); until [ "$(cat answered | wc -l)" -ge $((count + 5)) ]; do sleep 0.01; done
            touch stop; wait $producer
            """)
        #expect(outcome.output.contains("exit 0"), "\(outcome)")
        let answered = try place.lines("answered").compactMap { Int($0) }
        #expect(Set(answered).count == answered.count, "an id was given out twice: \(answered)")
        var stored: Set<Int> = []
        for file in [try #require(try aside.first), "stint.db"] {
            let list = try await place.stint("list", "--json", "--limit", "100000", "--db", file)
            stored.formUnion(list.matches(of: #/"id":(\d+)/#).compactMap { Int($0.1) })
        }
        #expect(stored.isSuperset(of: answered))
    }

    @Test("what is no sound backup of this Stint is refused, and nothing was changed")
    func refused() async throws {
        try await place.stint("put", "x")
        try await place.stint("backup", "copy.db")
        let bytes = try place.read("copy.db")
        try place.write("text", Array("Dear members,\n".utf8))
        try place.write("empty")
        try place.write("cut", Array(bytes.prefix(bytes.count / 2)))
        var damaged = bytes
        damaged.replaceSubrange(20_480..<40_960, with: repeatElement(0xA5, count: 20_480))
        try place.write("damaged", damaged)
        _ = try await place.shell(
            """
            sqlite3 song "CREATE TABLE song (x)"
            cp copy.db newer; sqlite3 newer "INSERT INTO stint_migrations VALUES (999, 'v999', '', 0)"
            """)
        let before = try place.snapshot()
        for (file, says) in [
            ("text", "is not an SQLite database"), ("empty", "is empty"), ("cut", "corrupt"), ("damaged", "corrupt"),
            ("song", "has no Stint tables"), ("newer", "was made by a newer Stint"), ("nothing", "cannot be read"),
            ("stint.db", "is the database itself"),
        ] {
            let refusal = try await place.refusal("restore", file)
            #expect(refusal.sentence.contains(says), "\(file): \(refusal)")
            #expect(try place.snapshot() == before, "\(file)")
        }
        let other = try await place.refusal("restore", "copy.db", "--to", "song")
        #expect(other.sentence.contains("is a database of another program"), "\(other)")
    }

    @Test("an index that disagrees with its table is refused, although all of its pages can be read")
    func brokenIndex() async throws {
        try await place.stint("put", "x", "--unique", "needle-key")
        try await place.stint("backup", "copy.db")
        var bytes = try place.read("copy.db")
        // In a row, and in the index that keeps a second job from getting the key.
        let places = bytes.indices.filter { bytes[$0...].starts(with: Array("needle-key".utf8)) }
        try #require(places.count == 2)
        bytes[places[1]] = UInt8(ascii: "N")
        try place.write("copy.db", bytes)
        let before = try place.snapshot()
        let refusal = try await place.refusal("restore", "copy.db")
        #expect(refusal.code == 69 && refusal.sentence.contains("the backup 'copy.db' is corrupt"), "\(refusal)")
        #expect(refusal.sentence.contains("use another one"))
        #expect(try place.snapshot() == before)
    }

    @Test("what was restored from a plain copy of the file does not take the old database's log for its own")
    func ownMark() async throws {
        try await place.stint("put", "x")
        try await place.stint("backup", "copy.db")
        try await place.stint("restore", "copy.db")
        // SQLite's change counter starts again with a restore, and each put makes the file grow, which it counts: so it does
        // not tell the next restored file from this one.
        _ = try await place.shell("cp stint.db plain.db")
        let reader = try holdLog()
        for _ in 0..<20 { try await place.stint("put", "-", input: [UInt8](repeating: 1, count: 20_000)) }
        _ = try await place.shell("cp stint.db-wal log")
        try reader.close()
        let same = try await place.shell(
            #"cp plain.db same.db; cp log same.db-wal; "$stint" stats --json --db same.db"#)
        #expect(same.output.contains(#""ready":21"#), "it is the log of the file that was copied: \(same)")
        try await place.stint("restore", "plain.db")
        let outcome = try await place.shell(#"cp log stint.db-wal; "$stint" stats"#)
        #expect(outcome.code == 69 && outcome.errors.contains("that is not its own"), "\(outcome)")
        _ = try await place.shell("rm stint.db-wal")
        #expect(try await place.counts().ready == 1)
    }

    @Test("after a restore that was killed nobody opens the database, and the next restore ends it")
    func interrupted() async throws {
        try await place.stint("put", "x")
        try await place.stint("backup", "copy.db")
        try place.write("stint.db-restore")
        for command in [["put", "y"], ["stats"], ["work", "--drain", "--", "true"]] {
            let outcome = try await place.attempt(command)
            #expect(outcome.code == 69 && outcome.errors.contains("run `stint restore` again"), "\(outcome)")
        }
        try await place.stint("restore", "copy.db")
        #expect(try await place.stint("put", "y") == "2\n")
    }

    @Test("a backup that was copied over a database whose log remains is refused, and restore puts it right")
    func copiedOver() async throws {
        try await place.stint("put", "--lines", input: Array((1...200).map { "payload \($0)\n" }.joined().utf8))
        try await place.stint("backup", "copy.db")
        let reader = try holdLog()
        try await place.stint("put", "--lines", input: Array((1...200).map { "another \($0)\n" }.joined().utf8))
        // As after a crash: the log was not checkpointed.
        _ = try await place.shell("cp stint.db-wal log")
        try reader.close()
        _ = try await place.shell("cp copy.db stint.db; cp log stint.db-wal")
        let before = try place.snapshot()
        for command in [["put", "y"], ["stats"], ["doctor"], ["work", "--drain", "--", "true"]] {
            let outcome = try await place.attempt(command)
            #expect(outcome.code == 69 && outcome.errors.contains("that is not its own"), "\(command): \(outcome)")
            #expect(outcome.errors.contains("`stint restore BACKUP`"), "\(command)")
        }
        #expect(try place.read("stint.db") == place.read("copy.db"))
        let after = try place.snapshot()
        #expect(before["stint.db-wal"] == after["stint.db-wal"])
        let outcome = try await place.attempt("restore", "copy.db")
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await place.counts().ready == 200)
        #expect(try await place.stint("doctor").contains("file: sound"))
    }

    @Test("the other way out works too: moving the log away leaves the backup")
    func logMovedAway() async throws {
        try await place.stint("put", "x")
        try await place.stint("backup", "copy.db")
        let reader = try holdLog()
        try await place.stint("put", "y")
        _ = try await place.shell("cp stint.db-wal log")
        try reader.close()
        let moved = try await place.shell(
            #"cp copy.db stint.db && cp log stint.db-wal && "$stint" stats; mv stint.db-wal away"#)
        #expect(moved.errors.contains("that is not its own"), "\(moved)")
        #expect(try await place.counts().ready == 1)
        #expect(try await place.stint("doctor").contains("file: sound"))
    }

    @Test("what the guide says to do with a broken database works: .dump rescues what can be read")
    func dump() async throws {
        try await place.stint("put", "--lines", input: Array((1...3_000).map { "payload \($0)\n" }.joined().utf8))
        _ = try await place.shell(#"sqlite3 stint.db "PRAGMA wal_checkpoint(TRUNCATE)""#)
        let pages = try await place.shell(
            """
            sqlite3 stint.db "SELECT pageno FROM dbstat WHERE name = 'stint_jobs' AND pagetype = 'leaf' LIMIT 2 OFFSET 10"
            """
        ).output.split(separator: "\n").compactMap { Int($0) }
        #expect(pages.count == 2)
        var bytes = try place.read("stint.db")
        for page in pages {
            bytes.replaceSubrange((page - 1) * 4_096..<page * 4_096, with: repeatElement(0xA5, count: 4_096))
        }
        try place.write("stint.db", bytes)
        let outcome = try await place.shell(
            """
            rm -f stint.db-wal stint.db-shm
            sqlite3 stint.db .dump | sed 's/^ROLLBACK;.*/COMMIT;/' > rescue.sql
            sqlite3 rescued.db < rescue.sql
            sqlite3 rescued.db "SELECT count(*) > 100 FROM stint_jobs"
            """)
        #expect(outcome.output.hasSuffix("1\n"), "\(outcome)")
    }
}
