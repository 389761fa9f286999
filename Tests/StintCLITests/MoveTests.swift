import Foundation
import GRDB
import PostgresSupport
import StintCore
import StintPostgres
import StintSQLite
import Subprocess
import Synchronization
import TestSupport
import Testing

@Suite("stint move FROM TO", .inOwnFolder, .timeLimit(.minutes(5)))
struct MoveTests {
    let place = Workplace.ofThisTest

    /// Which databases a move is between.
    enum Way: String, CaseIterable, Sendable {
        case fileToFile, fileToServer, serverToFile

        func addresses() async throws -> (from: String, to: String) {
            switch self {
            case .fileToFile: ("a.db", "b.db")
            case .fileToServer: ("a.db", try await PostgresCluster.shared.database())
            case .serverToFile: (try await PostgresCluster.shared.database(), "b.db")
            }
        }
    }

    @Test(
        "a database that was moved is the same for people, and its old address leads to the new one",
        arguments: Way.allCases)
    func roundTrip(_ way: Way) async throws {
        let (from, to) = try await way.addresses()
        try await ExportTests.fill(place, from)
        // Not one that anything will run: the picture is of both.
        let before = try await ExportTests.picture(place, from)
        let dry = try await place.attempt("move", "--dry-run", from, to)
        #expect(dry.code == 0 && dry.output.hasPrefix("4 jobs in "), "\(dry)")
        #expect(way != .fileToFile || !place.exists("b.db"))

        let moved = try await place.attempt("move", from, to)
        #expect(moved.code == 0 && moved.output.contains("4 jobs were copied"), "\(moved)")
        #expect(try await ExportTests.picture(place, to) == before)
        #expect(try await ExportTests.picture(place, from) == before)
        let again = try await place.attempt("move", from, to)
        #expect(again.code == 0, "\(again)")
        for address in [from, to] {
            let doctor = try await place.attempt("doctor", "--db", address).output
            #expect(doctor.contains("ok    states: ") && doctor.contains("ok    counts: "), "\(doctor)")
            #expect(doctor.contains("ok    move: from "), "\(doctor)")
            #expect(address == to || doctor.contains("ok    move: to "), "\(doctor)")
        }
        let id = try await place.stint("put", "--queue", "other", "--db", from, "new")
        #expect(try await place.stint("show", id.trimmingCharacters(in: .newlines), "--db", to).contains("ready"))
        let other = try await place.refusal("move", from, "c.db")
        #expect(other.code == 65 && other.sentence.contains("was moved to"), "\(other)")
        let back = try await place.refusal("move", to, from)
        #expect(back.code == 65 && back.sentence.contains("was moved to"), "\(back)")
    }

    @Test(
        "workers, a producer in SQL and a mover that is killed at any step lose nothing and run nothing twice",
        arguments: Way.allCases)
    func underLoad(_ way: Way) async throws {
        let (from, to) = try await way.addresses()
        let jobs = (1...400).map { "first-\($0)\n" }.joined()
        _ = try await place.run(
            Workplace.stint, ["put", "--lines", "--queue", "mail", "--db", from], input: Array(jobs.utf8))
        let worked = try await place.whileRunning(
            [
                "work", "--db", from, "--queue", "mail", "--workers", "2", "--batch", "4", "--", "sh", "-c",
                "job=$(cat); echo \"$job\" >> out",
            ]
        ) { worker in
            let producer = Task { try await produce(into: from) }
            for step in ["copying all jobs", "comparing both", "nothing is claimed", "copying the rest", "committed"] {
                try await kill(step, from, to)
            }
            let last = try await place.attempt("move", from, to)
            #expect(last.code == 0, "\(last)")
            // The producer still writes into the old one.
            let after = produced.value
            try await eventually("jobs are enqueued in the old database", within: .seconds(30)) {
                produced.value > after + 10
            }
            stops.add()
            try await producer.value
            try await eventually("all jobs have run", within: .seconds(120)) {
                try place.lines("out").count >= 400 + produced.value
            }
            worker.send(SIGTERM)
        }
        #expect(worked.code == 0, "\(worked.errors)")
        #expect(worked.errors.contains("starting again on the new one"), "\(worked.errors)")
        let expected = (1...400).map { "first-\($0)" } + (1...produced.value).map { "sql-\($0)" }
        #expect(try place.lines("out").sorted() == expected.sorted())
        let doctor = try await place.attempt("doctor", "--db", to)
        #expect(!doctor.output.contains("WRONG states") && !doctor.output.contains("WRONG move"), "\(doctor.output)")
    }

    /// Starts a move and kills it when it says that it is at this step.
    private func kill(_ step: String, _ from: String, _ to: String) async throws {
        try place.write("steps")
        let command = "exec \"$0\" move \"$1\" \"$2\" > /dev/null 2>> steps"
        let outcome = try await place.whileRunning(["-c", command, Workplace.stint, from, to], of: "/bin/sh") { mover in
            try await eventually("the move is at: \(step)", within: .seconds(60)) {
                // On a busy machine an earlier signal may have come after the commit: then there are no such steps any more.
                try place.lines("steps").contains { $0.contains(step) || $0.contains("committed") }
            }
            mover.send(SIGKILL)
        }
        // The last steps may be over before the signal comes.
        let steps = try place.lines("steps")
        #expect(outcome.status == .signaled(SIGKILL) || outcome.code == 0, "\(steps)")
    }

    private let produced = Count()
    private let stops = Count()

    /// One job after the other, as another program does it, until it is to stop.
    private func produce(into database: String) async throws {
        let producer = try RawProducer(database.hasPrefix("postgres") ? database : place.path(database))
        while stops.value == 0 {
            try await producer.enqueue("sql-\(produced.value + 1)")
            produced.add()
            // As fast as they are run, not faster.
            guard produced.value % 20 == 0 else { continue }
            try await eventually("the jobs before have run", within: .seconds(120), every: .milliseconds(50)) {
                try place.lines("out").count + 100 > produced.value || stops.value > 0
            }
        }
        await producer.close()
    }

    @Test("a move that was committed and not ended is ended by the next command, which finds its job there")
    func committed() async throws {
        try await place.stint("put", "--db", "a.db", "--idempotency-key", "i", "x")
        var options = SQLiteStore.Options()
        options.isMover = true
        let source = try await JobQueue(.sqlite(place.path("a.db"))).store
        let target = try await JobQueue(.sqlite(place.path("b.db"), options: options)).store
        let move = MoveID("m")
        try await source.beginMove(move, to: place.path("b.db"))
        try await target.beginArrival(move, from: place.path("a.db"))
        let jobs = try await source.exportJobs(of: nil, after: nil, limit: 10).jobs
        try await target.replaceJobs(jobs.map(\.id), with: jobs)
        // Nobody else may use it yet.
        let refusal = try await place.refusal("put", "--db", "b.db", "y")
        #expect(refusal.code == 69 && refusal.sentence.contains("is being filled with the jobs of"), "\(refusal)")
        try await source.freeze(move, for: .seconds(60))
        #expect(try await source.commitMove(move, lastCopied: jobs.last?.id))
        let producer = try RawProducer(place.path("a.db"))
        try await producer.enqueue("from SQL", in: "default")
        await producer.close()
        #expect(try await place.stint("put", "--db", "a.db", "z") == "3\n")
        #expect(try await target.stats().map(\.ready) == [3])
        #expect(try await place.stint("show", "2", "--payload", "--db", "b.db") == "from SQL")
        await source.close()
        await target.close()
    }

    @Test("a mover that was stopped changes nothing any more when another one has taken its move over")
    func twoMovers() async throws {
        try await place.stint("put", "--db", "a.db", "x")
        var options = SQLiteStore.Options()
        options.isMover = true
        let (a, b) = (place.path("a.db"), place.path("b.db"))
        let first = (try await JobQueue(.sqlite(a)).store, try await JobQueue(.sqlite(b, options: options)).store)
        let second = (try await JobQueue(.sqlite(a)).store, try await JobQueue(.sqlite(b, options: options)).store)
        for (movers, run) in [(first, "1"), (second, "2")] {
            let move = MoveID("m", run: run)
            try await movers.0.beginMove(move, to: b)
            try await movers.1.beginArrival(move, from: a)
        }
        let jobs = try await first.0.exportJobs(of: nil, after: nil, limit: 10).jobs
        let late: [() async throws -> Void] = [
            { try await first.1.replaceJobs(jobs.map(\.id), with: jobs) },
            { try await first.1.configure("q", QueueSettings(paused: true)) },
            { try await first.0.removeNotes([1]) },
            { try await first.0.freeze(MoveID("m"), for: .seconds(30)) },
            { _ = try await first.0.commitMove(MoveID("m"), lastCopied: nil) },
        ]
        for call in late {
            let error = await #expect(throws: StintError.self) { try await call() }
            #expect(error?.description.contains("another stint move") == true, "\(String(describing: error))")
        }
        try await second.1.replaceJobs(jobs.map(\.id), with: jobs)
        try await second.0.freeze(MoveID("m"), for: .seconds(30))
        #expect(try await second.0.commitMove(MoveID("m"), lastCopied: jobs.last?.id))
        try await second.1.endArrival(MoveID("m"))
        await #expect(throws: StintError.self) { try await first.1.replaceJobs(jobs.map(\.id), with: jobs) }
        for store in [first.0, first.1, second.0, second.1] { await store.close() }
    }

    @Test("a move that was killed while nothing was claimed can be given up, and then all goes on")
    func abandonment() async throws {
        try await place.stint("put", "--queue", "mail", "--db", "a.db", "x")
        let queue = try await JobQueue(.sqlite(place.path("a.db")))
        let claim = ClaimRequest(queues: ["mail"], limit: 1, lease: .seconds(600), worker: "test:1")
        let lease = try #require(try await queue.store.claim(claim).first?.lease)
        try await kill("nothing is claimed", "a.db", "b.db")
        try await eventually("the queue is paused") { try await queue.stats().allSatisfy(\.paused) }
        #expect(try await place.stint("move", "--abandon", "a.db").hasPrefix("given up"))
        #expect(try await queue.stats().map(\.paused) == [false])
        try await queue.store.settle(Settlement(lease, .ack))
        // Or it is repeated, and the queue is as it was before.
        try await kill("copying the rest", "a.db", "c.db")
        #expect(try await place.attempt("move", "a.db", "c.db").code == 0)
        let moved = try await JobQueue(.sqlite(place.path("c.db")))
        #expect(try await moved.stats().map(\.paused) == [false])
        await queue.close()
        await moved.close()
    }

    @Test("a database that was moved on and on is found, and what is enqueued in the first one comes to the last one")
    func chain() async throws {
        try await place.stint("put", "--db", "a.db", "1")
        for (from, to) in [("a.db", "b.db"), ("b.db", "c.db")] {
            #expect(try await place.attempt("move", from, to).code == 0)
        }
        let producer = try RawProducer(place.path("a.db"))
        try await producer.enqueue("2", in: "default")
        try await place.stint("put", "--db", "a.db", "3")
        try await place.stint("reap", "--db", "a.db")
        let last = try await JobQueue(.sqlite(place.path("c.db")))
        #expect(try await last.stats().map(\.ready) == [3])
        await last.close()
    }

    @Test("if running jobs do not end in time, all goes on as before, and what a person has paused stays so")
    func patience() async throws {
        for (queue, job) in [("mail", "x"), ("quiet", "y")] {
            try await place.stint("put", "--queue", queue, "--db", "a.db", job)
        }
        try await place.stint("pause", "quiet", "--db", "a.db", "--reason", "by hand")
        let queue = try await JobQueue(.sqlite(place.path("a.db")))
        let claim = ClaimRequest(queues: ["mail"], limit: 1, lease: .seconds(600), worker: "test:1")
        let lease = try #require(try await queue.store.claim(claim).first?.lease)
        let refused = try await place.attempt("move", "a.db", "b.db", "--wait", "200ms")
        #expect(refused.code == 69 && refused.errors.contains("1 jobs are still running"), "\(refused)")
        let stats = try await queue.stats()
        #expect(stats.map(\.paused) == [false, true] && stats.map(\.pauseReason) == [nil, "by hand"])
        // It is ended by hand, or goes on.
        #expect(try await place.attempt("doctor", "--db", "a.db").output.contains("WRONG move: to "))
        #expect(try await place.stint("move", "--abandon", "a.db").hasPrefix("given up"))
        #expect(try await place.refusal("move", "--abandon", "a.db").code == 65)
        try await queue.store.settle(Settlement(lease, .ack))
        let closed = try await place.refusal("move", "a.db", "b.db")
        #expect(closed.code == 65 && closed.sentence.contains("is being filled"), "\(closed)")
        #expect(try await place.attempt("move", "a.db", "c.db").code == 0)
        let moved = try await JobQueue(.sqlite(place.path("c.db")))
        #expect(try await moved.stats().map(\.paused) == [false, true])
        // An application that has it open is told, and its enqueues are forwarded.
        await #expect(throws: StintError.self) { try await queue.store.claim(claim) }
        try await queue.enqueue(jobs: [NewJob(Array("embedded".utf8), in: "mail")])
        try await place.stint("reap", "--db", "a.db")
        #expect(try await moved.stats().map(\.ready) == [1, 1])
        await queue.close()
        await moved.close()
    }

    @Test("a target with jobs, one address twice, and a wrong number of addresses are refused, and nothing is changed")
    func refusals() async throws {
        try await place.stint("put", "--db", "a.db", "x")
        try await place.stint("put", "--db", "b.db", "x")
        let before = try await place.stint("export", "--db", "b.db")
        let full = try await place.refusal("move", "a.db", "b.db")
        #expect(full.code == 65 && full.sentence.contains("jobs, schedules or webhooks of its own"), "\(full)")
        #expect(try await place.refusal("move", "a.db", "a.db").sentence.contains("the same database"))
        #expect(try await place.refusal("move", "a.db").code == 64)
        #expect(try await place.refusal("move", "a.db", "b.db", "--abandon").code == 64)
        #expect(try await place.refusal("move", "1", "x", "--to", "q", "--db", "a.db").code == 64)
        #expect(try await place.refusal("move", "nowhere.db", "c.db").code == 69)
        #expect(!place.exists("c.db") && !place.exists("nowhere.db"))
        #expect(try await place.stint("export", "--db", "b.db") == before)
        #expect(try await place.stint("doctor", "--db", "a.db").contains("move") == false)
    }
}

/// A program without Stint that enqueues in SQL, on one connection.
private enum RawProducer {
    case file(DatabaseQueue)
    case server(PostgresConnections)

    /// - Parameter database: A path, or the address of a server.
    init(_ database: String) throws {
        if database.hasPrefix("postgres") {
            self = .server(try PostgresConnections(database))
        } else {
            var configuration = Configuration()
            configuration.busyMode = .timeout(30)
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
            self = .file(try DatabaseQueue(path: database, configuration: configuration))
        }
    }

    func enqueue(_ payload: String, in queue: String = "mail") async throws {
        switch self {
        case .file(let file):
            try await file.write {
                try $0.execute(
                    sql: "INSERT INTO stint_enqueue (queue, payload) VALUES (?, ?)", arguments: [queue, payload])
            }
        case .server(let server):
            _ = try await server.run("SELECT stint.enqueue('\(payload)', queue => '\(queue)')")
        }
    }

    func close() async {
        if case .server(let server) = self { await server.close() }
    }
}

private final class Count: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func add() { count.withLock { $0 += 1 } }
}
