import Foundation
import PostgresSupport
import StintCore
import StintPlatform
import StintRunFiles
import Subprocess
import TestSupport
import Testing

@testable import StintPostgres

/// What is known of workers by their files in the run folder of a machine. The workers are processes that are killed.
@Suite("The death of a worker of a PostgreSQL store")
struct WorkerDeathTests {
    private struct Place: ~Copyable {
        let url: String
        let folder: TemporaryFolder
        let store: PostgresStore
        /// A process on another machine, which has a folder of its own.
        let otherFolder: TemporaryFolder
        let elsewhere: PostgresStore

        static func open() async throws -> Place {
            let url = try await PostgresCluster.shared.database()
            let folder = try TemporaryFolder(inMemory: true)
            let other = try TemporaryFolder(inMemory: true)
            let store = try await PostgresStore.open(url, options: .init(runFolder: folder.path))
            let elsewhere = try await PostgresStore.open(url, options: .init(runFolder: other.path))
            return Place(url: url, folder: folder, store: store, otherFolder: other, elsewhere: elsewhere)
        }

        func close() async {
            await store.close()
            await elsewhere.close()
        }

        func enqueue(_ count: Int, maxCrashes: Int = 1) async throws -> [JobID] {
            let options = JobOptions(maxAttempts: maxCrashes, maxCrashes: maxCrashes)
            return try await store.enqueue((0..<count).map { _ in try NewJob([], in: "q", options: options) }).map(\.id)
        }

        /// A worker process claims jobs, starts some of them, and is killed.
        ///
        /// - Returns: Its worker.
        func killWorker(claims jobs: Int, starts: Int, _ before: String...) async throws -> WorkerRecord {
            let program = (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/ClaimingWorker"
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(["die-on-server", url, folder.path, "\(jobs)", "\(starts)"] + before),
                output: .discarded, error: .string(limit: 65_536))
            #expect(result.terminationStatus == .signaled(SIGKILL), "\(result.standardError)")
            return try #require(try await store.workers().last)
        }

        func jobs(_ ids: [JobID]) async throws -> [JobRecord] {
            var records: [JobRecord] = []
            for id in ids { records.append(try #require(try await store.job(id)).record) }
            return records
        }

        func expectFree(_ ids: [JobID], suspects: Bool = false) async throws {
            for job in try await jobs(ids) {
                #expect(job.state == .ready && job.suspect == suspects, "\(job)")
                #expect(job.attempts == 0 && job.crashes == 0, "\(job)")
            }
        }
    }

    private static let killed = WorkerEnd.died("was killed by SIGKILL", nil)

    @Test("is blamed on the one job that it had started, as another process of its machine knows")
    func blame() async throws {
        let place = try await Place.open()
        let ids = try await place.enqueue(3, maxCrashes: 2)
        let worker = try await place.killWorker(claims: 3, starts: 1)
        #expect(worker.started?.map(\.lease.job) == [ids[0]] && worker.liveness == .dead)
        #expect(try await place.store.reclaim(from: [worker.id], Self.killed) == ReapReport(requeued: 3))
        let culprit = try #require(try await place.store.job(ids[0]))
        #expect(culprit.record.crashes == 1 && culprit.record.attempts == 1)
        #expect((culprit.failures.first?.diagnostics?.runTimeMilliseconds ?? -1) >= 0)
        try await place.expectFree(Array(ids[1...]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder.path).isEmpty)
        await place.close()
    }

    @Test("costs a job nothing that it held alone and had not started")
    func notStarted() async throws {
        let place = try await Place.open()
        let ids = try await place.enqueue(1)
        let worker = try await place.killWorker(claims: 1, starts: 0)
        #expect(try await place.store.reclaim(from: [worker.id], Self.killed) == ReapReport(requeued: 1))
        try await place.expectFree(ids)
        await place.close()
    }

    @Test("blames nobody if the worker had an order to stop, from whomever", arguments: ["reported", "found"])
    func ordered(_ how: String) async throws {
        let place = try await Place.open()
        let ids = try await place.enqueue(2)
        let worker = try await place.killWorker(claims: 2, starts: 1, "stopped")
        #expect(worker.hasOrderToStop)
        let report =
            try await how == "found"
            ? JobQueue(store: place.store).reap() : place.store.reclaim(from: [worker.id], Self.killed)
        #expect(report == ReapReport(requeued: 2))
        try await place.expectFree(ids)
        await place.close()
    }

    @Test("blames nobody where nothing is known of its starts: elsewhere, without its file, or if its file is damaged")
    func unknown() async throws {
        let place = try await Place.open()
        for cause in ["elsewhere", "removed", "full", "other file", "other boot"] {
            let ids = try await place.enqueue(1)
            let worker = try await place.killWorker(claims: 1, starts: 1, cause == "full" ? "full" : "")
            let files = try FileManager.default.contentsOfDirectory(atPath: place.folder.path)
            let file = place.folder.path + "/" + (try #require(files.first))
            let administrator = try PostgresConnections(place.url)
            switch cause {
            case "removed": try FileManager.default.removeItem(atPath: file)
            case "full": _ = truncate(file, 0)
            case "other file":
                let content = try Data(contentsOf: URL(filePath: file))
                try FileManager.default.removeItem(atPath: file)
                try Data(repeating: 0, count: 16).write(to: URL(filePath: file + "-x"))
                try content.write(to: URL(filePath: file))
            case "other boot":
                _ = try await administrator.run("UPDATE stint.workers SET process = '4711;1;;another boot'")
            default: break
            }
            await administrator.close()
            let store = cause == "elsewhere" ? place.elsewhere : place.store
            let record = try #require(try await store.workers().last)
            // The lock of an emptied file is as good as any.
            #expect(record.started == nil && record.liveness == (cause == "full" ? .dead : .unknown), "\(cause)")
            if cause != "full" { #expect(try await JobQueue(store: store).reap() == ReapReport(), "\(cause)") }
            #expect(try await store.reclaim(from: [worker.id], Self.killed) == ReapReport(requeued: 1), "\(cause)")
            try await place.expectFree(ids, suspects: true)
            try await place.store.delete(ids)
            for file in try FileManager.default.contentsOfDirectory(atPath: place.folder.path) {
                try FileManager.default.removeItem(atPath: place.folder.path + "/" + file)
            }
        }
        await place.close()
    }

    @Test("buries a job in the end that kills worker after worker, and no other beside it")
    func poison() async throws {
        let place = try await Place.open()
        let ids = try await place.enqueue(2, maxCrashes: 2)
        // Both are started: either may be the cause.
        let first = try await place.killWorker(claims: 2, starts: 2)
        _ = try await place.store.reclaim(from: [first.id], Self.killed)
        try await place.expectFree(ids, suspects: true)
        // Claimed alone, not started: it stays a suspect.
        let second = try await place.killWorker(claims: 2, starts: 0)
        _ = try await place.store.reclaim(from: [second.id], Self.killed)
        try await place.expectFree(ids, suspects: true)
        for isLast in [false, true] {
            let next = try await place.killWorker(claims: 1, starts: 1)
            #expect(next.started?.map(\.lease.job) == [ids[0]])
            let expected = isLast ? ReapReport(buried: 1) : ReapReport(requeued: 1)
            #expect(try await place.store.reclaim(from: [next.id], Self.killed) == expected)
            // One that was blamed is no suspect any more, so its neighbour comes first otherwise.
            if !isLast { try await place.store.bury([ids[1]], reason: "set aside") }
        }
        let records = try await place.jobs(ids)
        #expect(records[0].state == .buried && records[0].crashes == 2)
        #expect(records[1].crashes == 0)
        await place.close()
    }

    @Test("is found at the next reap of its machine, and not while its supervisor lives")
    func unseen() async throws {
        let place = try await Place.open()
        let ids = try await place.enqueue(2)
        let worker = try await place.killWorker(claims: 2, starts: 2)
        let sign = try #require(try await place.store.registerSupervisor() as? SupervisorFile)
        let administrator = try PostgresConnections(place.url)
        _ = try await administrator.run(
            "UPDATE stint.workers SET supervisor = process, supervisor_name = 's', supervisor_sign = $1",
            .text(sign.name))
        await administrator.close()
        #expect(try await place.store.workers().map(\.supervisorLiveness) == [.alive])
        #expect(try await place.elsewhere.workers().map(\.supervisorLiveness) == [.unknown])
        for store in [place.store, place.elsewhere] {
            #expect(try await JobQueue(store: store).reap() == ReapReport())
        }
        sign.abandon()
        // A process that another test starts just now holds its locks too, until it runs its own program.
        try await eventually("its supervisor is dead") {
            try await place.store.workers().map(\.supervisorLiveness) == [.dead]
        }
        #expect(try await JobQueue(store: place.elsewhere).reap() == ReapReport())
        #expect(try await JobQueue(store: place.store).reap() == ReapReport(requeued: 2))
        #expect(try await place.store.workers().isEmpty)
        try await place.expectFree(ids)
        let failures = try await place.store.failures(limit: 9)
        #expect(failures.map(\.failure.kind) == [.lost, .lost])
        let error = "worker \(worker.registration.name) died, and so did its supervisor"
        #expect(failures.allSatisfy { $0.failure.error == error })
        await place.close()
    }

    // MARK: - The second look

    @Test("a living worker's lease that ran out is looked at twice, on its own machine only")
    func secondLook() async throws {
        let url = try await PostgresCluster.shared.database()
        let folder = try TemporaryFolder(inMemory: true)
        let other = try TemporaryFolder(inMemory: true)
        let clock = TestClock()
        let store = try await PostgresStore.open(url, options: .init(runFolder: folder.path), clock: clock)
        let elsewhere = try await PostgresStore.open(url, options: .init(runFolder: other.path), clock: clock)
        let process = WorkerProcess(
            ProcessIdentity(
                host: "h", boot: clock.now().boot, namespaces: ProcessIdentity.current.namespaces, processID: 7,
                startTime: 7))
        let registration = WorkerRegistration(name: "w", process: process, queues: ["q"], concurrency: 1)
        let worker = try await store.register(registration, as: nil)
        _ = try await store.enqueue([NewJob([], in: "q")])
        let request = ClaimRequest(
            queues: ["q"], limit: 1, lease: .seconds(2), worker: "w", registration: worker.id)
        let job = try #require(try await store.claim(request).first)
        clock.advance(by: .seconds(2))
        let first = try await store.reap()
        #expect(first == ReapReport() && first.spared == 1 && first.nextLook == SecondLook.delay)
        #expect(store.firstLooks.count == 1)
        #expect(try await store.extend([job.lease], by: .seconds(60)).isEmpty)
        clock.advance(by: .seconds(60))
        // This look is a first one again. The other machine has only the deadline.
        #expect(try await store.reap() == ReapReport())
        #expect(try await elsewhere.reap() == ReapReport(requeued: 1))
        _ = try await store.claim(request)
        clock.advance(by: .seconds(60))
        #expect(try await store.reap() == ReapReport())
        #expect(store.firstLooks.count == 1)
        await store.close()
        await elsewhere.close()
    }

    // MARK: - The folder

    @Test("leaves files that go with a later worker of any database, a day later; those of the living stay")
    func sweep() async throws {
        let place = try await Place.open()
        let registration = WorkerRegistration(name: "w", process: .current, queues: ["q"], concurrency: 1)
        let living = try await place.store.register(registration, as: nil)
        _ = try await place.enqueue(1)
        _ = try await place.killWorker(claims: 1, starts: 1)
        let files = FileManager.default
        let old = try files.contentsOfDirectory(atPath: place.folder.path)
        #expect(old.count == 2)
        let kept = place.folder.path + "/mine"
        try Data().write(to: URL(filePath: kept))
        for file in old + ["mine"] {
            try files.setAttributes(
                [.modificationDate: Date.now.addingTimeInterval(file == "mine" ? -9e5 : -23 * 3_600)],
                ofItemAtPath: "\(place.folder.path)/\(file)")
        }
        let second = try await place.store.register(registration, as: nil)
        #expect(try files.contentsOfDirectory(atPath: place.folder.path).count == 4)
        for file in old {
            try files.setAttributes(
                [.modificationDate: Date.now.addingTimeInterval(-25 * 3_600)],
                ofItemAtPath: "\(place.folder.path)/\(file)")
        }
        let third = try await place.store.register(registration, as: nil)
        #expect(try files.contentsOfDirectory(atPath: place.folder.path).count == 4)
        #expect(files.fileExists(atPath: kept))
        let records = try await place.store.workers()
        for worker in [living, second, third] {
            #expect(records.first { $0.id == worker.id }?.liveness == .alive)
            try await place.store.deregister(worker.id)
        }
        #expect(try files.contentsOfDirectory(atPath: place.folder.path) == ["mine"])
        await place.close()
    }

    @Test("a worker works on, and its death blames nobody, if there is no folder for its file")
    func noFolder() async throws {
        let url = try await PostgresCluster.shared.database()
        for folder in [nil, "/dev/null/stint"] as [String?] {
            var options = PostgresStore.Options()
            options.runFolder = folder
            let store = try await PostgresStore.open(url, options: options)
            let registration = WorkerRegistration(name: "w", process: .current, queues: ["q"], concurrency: 1)
            let worker = try await store.register(registration, as: nil)
            let id = try await store.enqueue([NewJob([], in: "q", options: JobOptions(maxCrashes: 1))])[0].id
            let request = ClaimRequest(
                queues: ["q"], limit: 1, lease: .seconds(60), worker: "w", registration: worker.id)
            let job = try #require(try await store.claim(request).first)
            worker.scoreboard.note(ended: nil, started: job.lease)
            #expect(try await store.workers().map(\.started) == [nil])
            #expect(try await store.registerSupervisor() == nil)
            #expect(try await store.reclaim(from: [worker.id], Self.killed) == ReapReport(requeued: 1))
            #expect(try await store.job(id)?.record.suspect == true)
            try await store.delete([id])
            await store.close()
        }
    }

    @Test("the folder of a machine is this user's, and no other's to write to")
    func folder() throws {
        let parent = try TemporaryFolder(inMemory: true)
        let path = parent.path + "/stint"
        #expect(RunFolder.isUsable(path) && RunFolder.isUsable(path))
        var facts = stat()
        #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o700)
        chmod(path, 0o777)
        #expect(!RunFolder.isUsable(path))
        chmod(path, 0o700)
        let link = parent.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        #expect(!RunFolder.isUsable(link))
        #expect(!RunFolder.isUsable(parent.path + "/missing/stint"))
        try Data().write(to: URL(filePath: parent.path + "/file"))
        #expect(!RunFolder.isUsable(parent.path + "/file"))
    }
}
