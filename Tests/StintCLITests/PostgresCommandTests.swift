#if PostgreSQL
    import PostgresSupport
    import StintCore
    import StintPostgres
    import Subprocess
    import TestSupport
    import Testing

    @testable import StintCLI

    @Suite("The commands on a PostgreSQL server", .inOwnFolder, .timeLimit(.minutes(5)))
    struct PostgresCommandTests {
        let place = Workplace.ofThisTest

        @Test("put, work, stats, show, list, pause, kick and doctor do the same as on a file")
        func commands() async throws {
            let database: [Environment.Key: String?] = ["STINT_DB": try await PostgresCluster.shared.database()]
            #expect(try await place.stint("put", "--queue", "mail", "hello", environment: database) == "1\n")
            #expect(try await place.stint("put", "--queue", "mail", "bad", environment: database) == "2\n")
            let script = "read -r job || true; echo \"$job\" >> done; test \"$job\" != bad || exit 65"
            let work = try await place.attempt(
                "work", "--queue", "mail", "--drain", "--", "sh", "-c", script, environment: database)
            #expect(work.code == 0 && work.errors.contains("job 2 in queue 'mail' was buried"), "\(work)")
            #expect(try place.lines("done").sorted() == ["bad", "hello"])
            let stats = try await place.stint("stats", environment: database)
            #expect(
                stats.split(separator: "\n").last?.split(separator: " ") == ["mail", "0", "0", "0", "1", "1", "0", "0"])
            #expect(try await place.stint("show", "2", environment: database).contains("buried"))
            #expect(try await place.stint("list", "--state", "buried", environment: database).contains("mail"))
            try await place.stint("pause", "mail", environment: database)
            try await place.stint("kick", "2", environment: database)
            #expect(try await place.stint("stats", environment: database).contains("paused"))
            let doctor = try await place.attempt("doctor", environment: database).output
            let good = [
                "PostgreSQL ", "replication: ", "LISTEN: notifications arrive", "states: every job", "counts: ",
            ]
            for subject in good { #expect(doctor.contains("ok    \(subject)"), "\(doctor)") }
            // The tests' own server does not flush.
            if PostgresCluster.isOwn { #expect(doctor.contains("WRONG durability: fsync is off"), "\(doctor)") }
            #expect(!place.exists("stint.db"))
        }

        @Test("an export of a file is imported into a server, and the other way around, and is the same there")
        func export() async throws {
            let server = try await PostgresCluster.shared.database()
            try await ExportTests.fill(place, "a.db")
            try await place.stint("export", "--db", "a.db", "--secrets", "a.jsonl")
            #expect(try await place.stint("import", "--db", server, "a.jsonl") == "imported 4 jobs\n")
            #expect(try await ExportTests.picture(place, server) == ExportTests.picture(place, "a.db"))
            #expect(
                try await place.stint("import", "--db", server, "a.jsonl") == "imported 0 jobs, 4 were here already\n")
            try await place.stint("export", "--db", server, "--secrets", "b.jsonl")
            #expect(try place.lines("b.jsonl") == place.lines("a.jsonl"))
            #expect(try await place.stint("import", "--db", "c.db", "b.jsonl") == "imported 4 jobs\n")
            #expect(try await ExportTests.picture(place, "c.db") == ExportTests.picture(place, "a.db"))
            try await place.stint("doctor", "--db", "c.db")
            let doctor = try await place.attempt("doctor", "--db", server).output
            #expect(doctor.contains("ok    states: ") && doctor.contains("ok    counts: "), "\(doctor)")
            #expect(try await place.stint("put", "--db", server, "new") != "4\n")
        }

        @Test("an address gives no password away, and what cannot be opened is one sentence that says what to do")
        func refusals() async throws {
            let empty = try await PostgresCluster.shared.database()
            let missing = try await place.refusal("stats", "--db", empty)
            #expect(missing.sentence.contains("has no schema named stint"), "\(missing)")
            let port = try LoopbackPort()
            let gone = "postgres://me:secret@127.0.0.1:\(port.number)/jobs"
            let unreachable = try await place.attempt("put", "x", "--db", gone)
            #expect(unreachable.code != 0 && unreachable.errors.contains("check that it runs"), "\(unreachable)")
            #expect(!unreachable.errors.contains("secret"), "\(unreachable)")
            try await place.stint("put", "x", "--db", empty)
            let backup = try await place.refusal("backup", "copy.db", "--db", empty)
            #expect(backup.sentence.contains("use the tools of its database"), "\(backup)")
        }

        @Test("the address's password is not among the arguments that all users of the machine can read")
        func arguments() async throws {
            #expect(withoutPassword("postgres://me:secret@h/d") == "postgres://me@h/d")
            #expect(
                withoutPassword("postgresql://me:a:b@h/d?password=x&a=b")
                    == "postgresql://me@h/d?password=…&a=b")
            #expect(withoutPassword("postgres://me@h/d") == "postgres://me@h/d")
            #expect(withoutPassword("stint.db") == "stint.db")
        }
    }
#endif
