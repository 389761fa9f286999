import Foundation
import TestSupport
import Testing

@Suite("Which file, and for whom", .inOwnFolder, .timeLimit(.minutes(15)))
struct DatabasePathTests {
    let place = Workplace.ofThisTest

    private func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: place.path(name), withIntermediateDirectories: false)
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: place.path(name), withDestinationPath: target)
    }

    @Test("a database is named by its path or as sqlite:path, in --db and STINT_DB")
    func address() async throws {
        try await place.stint("put", "x", "--db", "sqlite:a.db")
        try await place.stint("put", "y", environment: ["STINT_DB": "sqlite:\(place.path("a.db"))"])
        #expect(try await place.stint("list", "--json", "--db", "a.db").split(separator: "\n").count == 2)
        // A handler finds the same database, from wherever it is.
        try await place.stint(
            "work", "--drain", "--db", "sqlite:a.db", "--", "sh", "-c", #"cd / && "$0" stats | grep -q leased"#,
            Workplace.stint)
        #expect(try await place.stint("stats", "--json", "--db", "a.db").contains(#""done":2"#))
        try await place.stint("put", "x", "--db", "./postgres:b")
        #expect(place.exists("postgres:b"))
    }

    @Test("a kind of store that is not built in is refused, with what is expected", arguments: [true, false])
    func unknownKind(isOption: Bool) async throws {
        let address = "mysql:jobs"
        let outcome = try await place.run(
            Workplace.stint, .init(["put", "x"] + (isOption ? ["--db", address] : [])),
            environment: isOption ? [:] : ["STINT_DB": address])
        let refusal = try #require(Refusal(outcome))
        #expect(refusal.code == 65)
        #expect(
            refusal.sentence.hasPrefix(
                "the store 'mysql' is not built into this program: expected a path or sqlite:path"))
        #expect(try place.snapshot().isEmpty)
    }

    @Test("--db goes before STINT_DB, and that before ./stint.db; an empty STINT_DB is none")
    func precedence() async throws {
        try await place.stint("put", "x", "--db", "option.db", environment: ["STINT_DB": "variable.db"])
        #expect(place.exists("option.db") && !place.exists("variable.db") && !place.exists("stint.db"))
        try await place.stint("put", "x", environment: ["STINT_DB": place.path("variable.db")])
        #expect(place.exists("variable.db") && !place.exists("stint.db"))
        try await place.stint("put", "x", environment: ["STINT_DB": ""])
        #expect(place.exists("stint.db"))
    }

    @Test("a relative path is of the current folder, also for the workers of --workers")
    func relative() async throws {
        try makeFolder("sub folder")
        try await place.stint("put", "--lines", "--db", "sub folder/ä ö.db", input: Array("a\nb\n".utf8))
        try await place.stint(
            "work", "--db", "./sub folder/../sub folder/ä ö.db", "--workers", "2", "--drain", "--", "true")
        #expect(try await place.stint("stats", "--json", "--db", "sub folder/ä ö.db").contains(#""done":2"#))
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder) == ["sub folder"])
    }

    @Test("the database, its log and its shared memory are for their owner alone, whatever the umask")
    func modes() async throws {
        let put = try await place.shell(#"umask 022; "$stint" put x"#)
        #expect(put.output == "1\n")
        let worker = try await place.whileRunning(["work", "--", "sh", "-c", untilThere("go")]) { worker in
            try await eventually("the job runs") { try await place.counts().leased == 1 }
            for file in ["stint.db", "stint.db-wal", "stint.db-shm"] {
                #expect(try place.mode(file) == "600", "\(file)")
            }
            try place.write("go")
            worker.send(SIGTERM)
        }
        #expect(worker.code == 0)
    }

    @Test("a database behind a symbolic link is one database")
    func symbolicLink() async throws {
        try makeFolder("real")
        try await place.stint("put", "x", "--db", "real/stint.db")
        try link("link.db", to: "real/stint.db")
        #expect(try await place.stint("put", "y", "--db", "link.db") == "2\n")
        let worker = try await place.whileRunning(["work", "--db", "link.db", "--", "sh", "-c", untilThere("go")]) {
            worker in
            try await eventually("a job runs") {
                try await place.stint("stats", "--json", "--db", "real/stint.db").contains(#""leased":1"#)
            }
            // Two logs of one file would destroy it.
            #expect(!place.exists("link.db-wal") && place.exists("real/stint.db-wal"))
            worker.send(SIGTERM)
            try place.write("go")
        }
        #expect(worker.code == 0)
        // The second may have started before the order to stop arrived.
        let stats = try await place.stint("stats", "--json", "--db", "real/stint.db")
        #expect(stats.contains(#/"done":[12]/#) && stats.contains(#""leased":0"#), "\(stats)")
    }

    @Test("a symbolic link to a file that is not there yet: the file is made, for its owner alone")
    func danglingLink() async throws {
        try makeFolder("real")
        try link("link.db", to: "real/stint.db")
        let put = try await place.shell(#"umask 022; "$stint" put x --db link.db"#)
        #expect(put.output == "1\n")
        #expect(try place.mode("real/stint.db") == "600")
        #expect(try await place.stint("list", "--json", "--db", "real/stint.db").contains(#""id":1"#))
    }

    @Test("a symbolic link into a folder that is not there, or to itself, is refused")
    func brokenLink() async throws {
        try link("link.db", to: "missing/stint.db")
        try link("loop.db", to: "loop.db")
        for file in ["link.db", "loop.db"] {
            let refusal = try await place.refusal("put", "x", "--db", file)
            #expect(refusal.code == 69)
            #expect(refusal.sentence.hasPrefix("the database '\(file)' cannot be"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted() == ["link.db", "loop.db"])
    }

    @Test("what is no name of a file is refused", arguments: ["", ":memory:", "/", "."])
    func noFileName(path: String) async throws {
        let refusal = try await place.refusal("put", "x", "--db", path)
        #expect(refusal.code == 69)
        #expect(try place.snapshot().isEmpty)
    }

    @Test("sixteen processes make the same new database at the same time, and each puts its job")
    func makeAtOnce() async throws {
        // More than fits into a pipe, so a process that was given it is reading; then all inputs end together.
        let payload = [UInt8](repeating: 0x61, count: 300_000)
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 1...16 {
                group.addTask { [place] in
                    let outcome = try await place.run(Workplace.stint, ["put", "-"], input: payload) {
                        try place.write("reading-\(number)")
                        try await eventually("all of them read") {
                            (1...16).allSatisfy { place.exists("reading-\($0)") }
                        }
                    }
                    guard outcome.code == 0, outcome.errors.isEmpty else { throw Unexpected(["put", "-"], outcome) }
                    return outcome.output
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(ids.compactMap { Int($0.dropLast()) }.sorted() == Array(1...16))
        #expect(try await place.counts() == QueueDocument(name: "default", ready: 16))
        for id in 1...16 { #expect(try await place.job(id).payloadBytes == payload.count) }
        #expect(try place.mode("stint.db") == "600")
        let files = try FileManager.default.contentsOfDirectory(atPath: place.folder)
        #expect(files.allSatisfy { !$0.contains(".new-") })
        #expect(try await place.stint("doctor").contains("file: sound"))
    }
}
