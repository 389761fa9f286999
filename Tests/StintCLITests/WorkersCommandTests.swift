import Foundation
import GRDB
import TestSupport
import Testing

@Suite("stint workers", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkersCommandTests {
    let place = Workplace.ofThisTest

    @Test("a running worker is listed with what it runs, and not any more after its end")
    func running() async throws {
        try await place.stint("put", "x", "--queue", "mail")
        #expect(try await place.stint("workers") == "no workers\n")
        let command = ["work", "--queue", "mail", "--concurrency", "2", "--", "sh", "-c", untilThere("go")]
        let outcome = try await place.whileRunning(command) { process in
            try await eventually("a worker runs job 1") {
                try await place.workers().first?.started?.first?.job == 1
            }
            let workers = try await place.workers()
            let worker = try #require(workers.first)
            #expect((workers.count, worker.queues, worker.concurrency) == (1, ["mail"], 2))
            #expect((worker.existence, worker.supervisor?.processID) == ("exists", Int(process.id)))
            // A single worker has no others to share commits with.
            #expect(!worker.writesThroughSupervisor)
            #expect(worker.name == "\(worker.process.host):\(worker.process.processID)")
            #expect(!worker.process.boot.isEmpty && worker.process.startTime > 0)
            let job = try #require(worker.started?.first)
            #expect(job.token == 1)
            #expect((0...60_000).contains(try #require(job.ageMilliseconds)))
            #expect(try #require(worker.residentMemoryBytes) > 1_000_000)

            let table = try await place.stint("workers").split(separator: "\n").map { $0.split(separator: " ") }
            let titles = ["id", "worker", "queues", "running", "since", "memory", "supervisor", "writer", "state"]
            #expect(table[0].map(String.init) == titles)
            #expect(table[1].prefix(4) == ["1", "\(worker.name)", "mail", "1"])
            #expect(table[1].suffix(3) == ["\(process.id)", "itself", "alive"])
            #expect(try await place.stint("top", "--once", "--interval", "100ms").contains(#/ itself  alive\n/#))
            let doctor = try await place.stint("doctor")
            #expect(doctor.contains("ok    workers: 1 claims and settles by itself\n"), "\(doctor)")
            try place.write("go")
            try await eventually("the job is done") { try await place.counts("mail").done == 1 }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await place.stint("workers") == "no workers\n")
        #expect(try await place.stint("workers", "--json") == "")
    }

    @Test("several workers write through their supervisor, and what shows workers says so")
    func several() async throws {
        try await place.stint("put", "x", "--queue", "mail")
        let command = ["work", "--queue", "mail", "--workers", "2", "--", "sh", "-c", untilThere("go")]
        let outcome = try await place.whileRunning(command) { process in
            try await eventually("there are two workers, and one runs job 1") {
                let workers = try await place.workers()
                return workers.count == 2 && workers.contains { $0.started?.first?.job == 1 }
            }
            #expect(try await place.workers().allSatisfy(\.writesThroughSupervisor))
            #expect(try await place.stint("workers").matches(of: #/ supervisor  alive\n/#).count == 2)
            #expect(try await place.stint("top", "--once", "--interval", "100ms").contains(#/ supervisor  alive\n/#))
            let doctor = try await place.stint("doctor")
            #expect(doctor.contains("ok    workers: 2 claim and settle through their supervisors\n"), "\(doctor)")
            try place.write("go")
            try await eventually("the job is done") { try await place.counts("mail").done == 1 }
            process.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test("a worker that died with its supervisor is gone, with its job, until a reap takes that back")
    func gone() async throws {
        try await place.stint("put", "x")
        let outcome = try await place.whileRunning(["work", "--", "sh", "-c", untilThere("go")]) { process in
            try await eventually("a worker runs job 1") {
                try await place.workers().first?.started?.first?.job == 1
            }
            // The supervisor is stopped and cannot report what it sees, and the worker cannot deregister.
            let worker = try #require(try await place.workers().first)
            process.send(SIGSTOP)
            RunningProcess(id: pid_t(worker.process.processID)).send(SIGKILL)
            process.send(SIGKILL)
        }
        #expect(outcome.status == .signaled(SIGKILL))
        try await eventually("it is gone") { try await place.workers().first?.existence == "gone" }
        let worker = try #require(try await place.workers().first)
        #expect(worker.started?.map(\.job) == [1])
        #expect(worker.residentMemoryBytes == nil)
        #expect(try await place.stint("workers").contains("gone, not yet reclaimed"))
        // Looking changes nothing.
        #expect(try await place.stint("top", "--once", "--interval", "100ms").contains(#/  gone\n/#))
        #expect(try await place.stint("reap") == "requeued 1, buried 0, pruned 0\n")
        #expect(try await place.stint("workers") == "no workers\n")
    }

    @Test("a worker whose process cannot be seen from here is unknown, and so is what it runs")
    func unknown() async throws {
        try await place.stint("put", "x")
        try await DatabaseQueue(path: place.path("stint.db")).write { database in
            try database.execute(
                sql: """
                    INSERT INTO stint_workers (name, host, boot_id, namespaces, pid, process_start, supervisor_pid,
                                               supervisor_start, queues, concurrency, registered_at, seen)
                    VALUES ('elsewhere' || char(27) || '[2J:7', 'elsewhere', 'unknown', '', 7, 99, 6, 98, 'a b', 1, 0, 0)
                    """)
        }
        let worker = try #require(try await place.workers().first)
        #expect((worker.existence, worker.queues, worker.residentMemoryBytes) == ("unknown", ["a", "b"], nil))
        // As one of an older Stint that has registered before the column existed.
        #expect(worker.started == nil && !worker.writesThroughSupervisor)
        let table = try await place.stint("workers")
        #expect(table.contains(#"elsewhere\u{1B}[2J:7  a, b    ?  "#))
        #expect(table.contains(#/  \?          6\?  itself  unknown, cannot be seen from here/#))
        let doctor = try await place.stint("doctor")
        #expect(doctor.contains("ok    workers: 1 claims and settles by itself\n"), "\(doctor)")
    }
}
