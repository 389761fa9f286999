import Foundation
import GRDB
import Testing

@Suite("Hostile names", .inOwnFolder, .timeLimit(.minutes(5)))
struct HostileNameTests {
    let place = Workplace.ofThisTest

    /// Clears the screen, sets the window's title, goes back to the start of the line, and starts a new one.
    private static let hostile = "a\u{1B}[2J\u{1B}]0;owned\u{07}\r\u{9B}31m\nb"

    @Test("in the tables reach no terminal as they are")
    func stored() async throws {
        try await place.stint("put", "x", "--queue", "ready")
        try await place.stint("put", "x", "--queue", "leased")
        try await place.stint("put", "x", "--queue", "buried")
        try await place.stint("bury", "3")
        let database = try DatabaseQueue(path: place.path("stint.db"))
        try await database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO stint_workers (name, host, boot_id, namespaces, pid, process_start, queues, concurrency,
                                               registered_at, seen)
                        VALUES (:it, :it, :it, :it, 1, 1, :it, 1, 1, 1);
                    INSERT INTO stint_leases (queue_id, worker, boot_id, deadline, claimed_at, expires_at, jobs)
                        VALUES (2, :it, :it, 9000000000000, 1, 9000000000000, 1);
                    DELETE FROM stint_ready WHERE job_id = 2;
                    INSERT INTO stint_leased SELECT 2, token, 1, 0, 0, NULL, NULL, 0 FROM stint_leases;
                    UPDATE stint_buried SET reason = :it;
                    UPDATE stint_jobs SET content_type = :it, headers = 'a: ' || :it;
                    INSERT INTO stint_failures (job_id, attempt, at, kind, error, worker, signal, standard_error)
                        SELECT id, 1, 1, 'crashed', :it, :it, :it, :it FROM stint_jobs;
                    UPDATE stint_queues SET name = name || :it;
                    """, arguments: ["it": Self.hostile])
        }
        try database.close()
        for command in [
            ["list"], ["show", "1"], ["show", "2"], ["show", "3"], ["stats"], ["workers"],
            ["top", "--once", "--interval", "100ms"], ["doctor"],
        ] {
            let outcome = try await place.attempt(command)
            let all = outcome.output + outcome.errors
            #expect(outcome.code == 0 || command == ["doctor"], "\(command): \(outcome)")
            #expect(
                all.unicodeScalars.filter { $0 != "\n" && $0.properties.generalCategory == .control } == [],
                "\(command): \(all.debugDescription)")
        }
    }

    @Test("on the command line reach no terminal as they are")
    func arguments() async throws {
        for command in [
            ["show", Self.hostile], [Self.hostile], ["stats", "--\(Self.hostile)"],
            ["put", "x", "--db", Self.hostile + "/x"], ["list", "--queue", Self.hostile],
        ] {
            let outcome = try await place.attempt(command)
            let refusal = try #require(Refusal(outcome), "\(command): \(outcome)")
            #expect(
                !refusal.sentence.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(refusal)")
        }
    }

    @Test(
        "of files are names of files",
        arguments: ["-x.db", "--help", "a b.db", "ä\n.db", "%s.db", "'.db", "\"$(id)\".db", "\u{1B}[2J.db"])
    func files(name: String) async throws {
        #expect(try await place.stint("put", "x", "--db=\(name)") == "1\n")
        let worked = try await place.attempt("work", "--drain", "--workers", "2", "--db=\(name)", "--", "true")
        #expect(worked.code == 0, "\(worked)")
        #expect(try await place.stint("stats", "--json", "--db=\(name)").contains(#""done":1"#))
        let files = try FileManager.default.contentsOfDirectory(atPath: place.folder)
        #expect(files.contains(name) && files.allSatisfy { $0.hasPrefix(name) })
    }

    @Test(
        "of headers and queues are refused with a reason, or come out as they went in",
        arguments: [
            "", " ", "\t", "a b", "a\nb", "-", "--", "\u{7F}", "\u{2028}", "\u{202E}x", "é", "e\u{301}", "👩‍👩‍👧‍👦", "ＡＢＣ",
            "../x", "$(id)", "%n",
            String(repeating: "x", count: 70_000),
        ])
    func namesOfHeadersAndQueues(name: String) async throws {
        let put = try await place.attempt("put", "x", "--queue=\(name)", "--header", "h=\(name)")
        if put.code == 0 {
            let job = try await place.stint("show", "1", "--json")
            let document = try #require(try JSONSerialization.jsonObject(with: Data(job.utf8)) as? [String: Any])
            #expect((document["queue"] as? String).map { Array($0.utf8) } == Array(name.utf8))
            #expect((document["headers"] as? [String: String])?["h"].map { Array($0.utf8) } == Array(name.utf8))
        } else {
            let refusal = try #require(Refusal(put), "\(put)")
            #expect(refusal.code == 64 || refusal.code == 65)
        }
        let header = try await place.attempt("put", "x", "--header=\(name)=v")
        let refusal = try #require(Refusal(header), "\(header)")
        #expect(refusal.sentence.contains("header"))
    }
}
