import Foundation
import TestSupport
import Testing

/// What another user of the folder puts where Stint or SQLite will create a file.
private enum Planted: String, CaseIterable, Sendable {
    case link, danglingLink, linkToItself, pipe, folder

    /// Replaces any file that is there.
    func plant(_ name: String, in place: Workplace) throws {
        let files = FileManager.default
        let path = place.path(name)
        if place.exists(name) { try files.removeItem(atPath: path) }
        switch self {
        case .link: try files.createSymbolicLink(atPath: path, withDestinationPath: "victim")
        case .danglingLink: try files.createSymbolicLink(atPath: path, withDestinationPath: "nothing")
        case .linkToItself: try files.createSymbolicLink(atPath: path, withDestinationPath: name)
        case .pipe: guard mkfifo(path, 0o600) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        case .folder: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
    }
}

@Suite("What somebody plants beside the database", .inOwnFolder, .timeLimit(.minutes(5)))
struct PlantedFileTests {
    let place = Workplace.ofThisTest

    private func makeVictim() throws {
        try place.write("victim", Array("precious".utf8))
        chmod(place.path("victim"), 0o644)
    }

    private func expectUnharmed(_ location: SourceLocation = #_sourceLocation) throws {
        #expect(try place.read("victim") == Array("precious".utf8), sourceLocation: location)
        #expect(try place.mode("victim") == "644", sourceLocation: location)
        #expect(!place.exists("nothing"), sourceLocation: location)
    }

    @Test(
        "in the place of SQLite's own files is refused, and not followed, read or waited for",
        arguments: ["-journal", "-wal", "-shm"], Planted.allCases)
    private func ofSQLite(suffix: String, planted: Planted) async throws {
        try makeVictim()
        for isNew in [true, false] {
            if !isNew {
                try FileManager.default.removeItem(atPath: place.path("stint.db" + suffix))
                try await place.stint("put", "x")
            }
            try planted.plant("stint.db" + suffix, in: place)
            for command in [["put", "x"], ["work", "--drain", "--", "true"], ["stats"]]
            where !isNew || command[0] == "put" {
                let outcome = try await place.attempt(command)
                let refusal = try #require(Refusal(outcome), "\(command): \(outcome)")
                #expect(refusal.code == 69)
                #expect(
                    refusal.sentence.contains("has 'stint.db\(suffix)' beside it")
                        && refusal.sentence.contains("remove it"))
            }
            try expectUnharmed()
        }
    }

    @Test(
        "in the place of Stint's own files is neither written to nor waited for, and jobs run",
        arguments: ["-lock", "-reserve", "-revoked", "-worker-1"], Planted.allCases)
    private func ofStint(suffix: String, planted: Planted) async throws {
        try makeVictim()
        try planted.plant("stint.db" + suffix, in: place)
        let put = try await place.attempt("put", "x")
        #expect(put.code == 0, "\(put)")
        let work = try await place.attempt("work", "--drain", "--", "true")
        #expect(work.code == 0, "\(work)")
        let stats = try await place.attempt("stats", "--json")
        #expect(stats.output.contains(#""done":1"#) && stats.output.contains(#""ready":0"#), "\(stats)")
        try expectUnharmed()
    }

    @Test(
        "another file by a second name is neither cut nor made longer", arguments: ["-lock", "-reserve"])
    func secondName(suffix: String) async throws {
        try makeVictim()
        try FileManager.default.linkItem(atPath: place.path("victim"), toPath: place.path("stint.db" + suffix))
        let put = try await place.attempt("put", "x")
        #expect(put.code == 0 && put.errors.contains("is no file of its own"), "\(put)")
        try expectUnharmed()
    }

    @Test("every file is for its owner alone, whatever the umask", arguments: ["022", "000", "077"])
    func modes(umask: String) async throws {
        let script =
            #"umask \#(umask); printf "a\nb\nc\n" | "$stint" put --lines && "$stint" backup copy.db && exec "$stint" work --workers 2 -- sh -c "$wait""#
        let outcome = try await place.whileRunning(
            ["-c", script], of: "/bin/sh",
            environment: ["stint": Workplace.stint, "wait": untilThere("go")]
        ) { worker in
            try await eventually("both workers run a job") {
                guard place.exists("stint.db-worker-1"), place.exists("stint.db-worker-2") else { return false }
                return try await place.counts().leased >= 2
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted()
            let supervisor = try #require(files.first { $0.hasPrefix("stint.db-supervisor-\(worker.id)-") })
            #expect(
                files.filter { $0 != supervisor } == [
                    "copy.db", "stint.db", "stint.db-lock", "stint.db-reserve", "stint.db-revoked", "stint.db-shm",
                    "stint.db-wal", "stint.db-worker-1", "stint.db-worker-2",
                ])
            for file in files { #expect(try place.mode(file) == "600", "\(file)") }
            try place.write("go")
            worker.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome)")
    }
}
