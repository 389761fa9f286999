import Foundation
import StintCore
import StintPlatform
import StintRunFiles
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

/// The file beside the database that records what a worker has started.
@Suite("The scoreboard of a worker")
struct ScoreboardTests {
    private let clock = TestClock()
    private let worker = WorkerID(rawValue: 17)

    /// On the clock of these tests, whose boot is that of the registrations.
    private func openQueue(_ path: String) async throws -> JobQueue<SQLiteStore> {
        var options = SQLiteStore.Options()
        options.clock = clock
        return try await JobQueue(.sqlite(path, options: options))
    }

    private func lease(_ number: Int64) -> Lease {
        Lease(job: JobID(rawValue: number), token: FencingToken(rawValue: number * 10))
    }

    private func registration(process id: Int32 = 1, concurrency: Int = 4) -> WorkerRegistration {
        WorkerRegistration(
            name: "host:\(id)",
            process: WorkerProcess(
                ProcessIdentity(host: "host", boot: "boot-1", namespaces: "", processID: id, startTime: 1)),
            queues: ["q"], concurrency: concurrency)
    }

    private func scoreboards(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("-worker-") }.sorted()
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    // MARK: - What is written is read

    @Test("is a file of its owner alone beside the database, until the worker signs off")
    func file() async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        let place = try await queue.store.register(registration(), as: nil)
        #expect(try scoreboards(folder.path) == ["stint.db-worker-\(place.id)"])
        #expect(try permissions("\(folder.database)-worker-\(place.id)") == 0o600)
        try await queue.store.deregister(place.id)
        #expect(try scoreboards(folder.path).isEmpty)
    }

    @Test("goes when the jobs are reclaimed, by the worker's own process or by another")
    func removedByTakeBack() async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        let other = try await openQueue(folder.database)
        for store in [queue.store, other.store] {
            let (one, two) = (
                try await queue.store.register(registration(), as: nil),
                try await queue.store.register(registration(), as: nil)
            )
            #expect(try scoreboards(folder.path).count == 2)
            // The other worker of the process has ended with it.
            for worker in [one, two] { queue.store.abandon(worker.id) }
            // A process that another test starts just now holds their locks too, until it runs its own program.
            try await eventually("both are dead") {
                try await queue.store.workers().allSatisfy { $0.liveness == .dead }
            }
            _ = try await store.reclaim(from: [one.id], .stopped)
            #expect(try scoreboards(folder.path).isEmpty, "of \(one.id) and \(two.id)")
        }
    }

    @Test("reads as it was written, whatever starts and ends in which order")
    func model() throws {
        let folder = try TemporaryFolder()
        let seed = chosenSeed()
        var chance = SeededGenerator(seed: seed)
        for capacity in [0, 1, 4, 5_000] {
            let path = "\(folder.path)/scoreboard-\(capacity)"
            let scoreboard = ScoreboardFile(
                path: path, mark: worker.rawValue, capacity: capacity, like: folder.path, clock: clock)
            var model: [Lease: ScoreboardFile.Start] = [:]
            var next: Int64 = 0
            for step in 0..<3_000 {
                var ended: Lease?
                if !model.isEmpty, Bool.random(using: &chance) {
                    ended = model.keys.sorted { $0.job < $1.job }.randomElement(using: &chance)
                } else if Int.random(in: 0..<20, using: &chance) == 0 {
                    ended = lease(1_000_000)
                }
                var started: Lease?
                if model.count < 40, Int.random(in: 0..<3, using: &chance) > 0 {
                    next += 1
                    started = lease(next)
                }
                clock.advance(by: .milliseconds(1))
                let maxAttempts = step % 3 == 0 ? nil : step
                scoreboard.note(ended: ended, started: started, maxAttempts: maxAttempts)
                if let ended { model[ended] = nil }
                if let started {
                    model[started] = ScoreboardFile.Start(
                        lease: started, time: clock.now().monotonic, maxAttempts: maxAttempts)
                }
                if step == 2_995 { scoreboard.noteOrderToStop() }
                guard step % 10 == 0 || step > 2_990 else { continue }
                let read = try #require(ScoreboardFile.read(path, of: worker.rawValue), "seed \(seed), step \(step)")
                try #require(
                    Dictionary(uniqueKeysWithValues: read.started.map { ($0.lease, $0) }) == model,
                    "seed \(seed), step \(step)")
                #expect(read.hasOrderToStop == (step >= 2_995))
            }
            // Places are used again.
            #expect(ScoreboardFile.liveness(path, of: worker.rawValue) == .alive)
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            #expect(size <= (1 + max(40, min(capacity, 1_024))) * ScoreboardFile.recordBytes)
            scoreboard.remove()
            #expect(ScoreboardFile.read(path, of: worker.rawValue) == nil)
            scoreboard.note(ended: nil, started: lease(1))
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("is the same whether the database is named by itself or by a symbolic link")
    func symbolicLink() async throws {
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        try FileManager.default.createSymbolicLink(atPath: other.database, withDestinationPath: folder.database)
        let linked = try await openQueue(other.database)
        let place = try await linked.store.register(registration(), as: nil)
        place.scoreboard.note(ended: nil, started: lease(1))
        #expect(try await queue.store.workers().first?.started?.map(\.lease) == [lease(1)])
        #expect(try scoreboards(other.path).isEmpty)
        _ = try await queue.store.reclaim(from: [place.id], .stopped)
        #expect(try scoreboards(folder.path).isEmpty)
    }

    // MARK: - What others may have done to it

    enum Damage: String, CaseIterable, CustomTestStringConvertible {
        case absent, copied, empty, halfARecordLess, halfARecordMore, aRecordLess, headerOnly
        case garbageInARecord, tornRecord, wrongMagic, anothersBoard
        case symbolicLink, directory, pipe, unreadable, hundredMegabytes

        var testDescription: String { rawValue }

        func apply(to path: String) throws {
            let url = URL(filePath: path)
            var bytes = try Data(contentsOf: url)
            switch self {
            case .absent: return try FileManager.default.removeItem(atPath: path)
            case .copied:
                try FileManager.default.moveItem(atPath: path, toPath: path + ".real")
                return try bytes.write(to: url)
            case .empty: bytes = Data()
            case .halfARecordLess: bytes.removeLast(20)
            case .halfARecordMore: bytes.append(Data(repeating: 0, count: 20))
            case .aRecordLess: bytes.removeLast(40)
            case .headerOnly: bytes = bytes.prefix(40)
            case .garbageInARecord: bytes[120] ^= 0x40
            case .tornRecord: bytes.replaceSubrange(60..<80, with: Data(repeating: 0, count: 20))
            case .wrongMagic: bytes[0] ^= 1
            case .anothersBoard: bytes[8] ^= 1
            case .symbolicLink:
                try FileManager.default.removeItem(atPath: path)
                try bytes.write(to: URL(filePath: path + ".real"))
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".real")
                return
            case .directory:
                try FileManager.default.removeItem(atPath: path)
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                return
            case .pipe:
                try FileManager.default.removeItem(atPath: path)
                try #require(mkfifo(path, 0o600) == 0)
                return
            case .unreadable:
                // Also for root, who may read everything: a folder has no bytes either.
                try FileManager.default.removeItem(atPath: path)
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
                return
            case .hundredMegabytes:
                try #require(truncate(path, 100_000_000 / 40 * 40) == 0)
                return
            }
            // In place: it is the same file, with other bytes.
            let file = try FileHandle(forUpdating: url)
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: bytes)
            try file.close()
        }

        /// Whether the worker's file is still the one that it has locked.
        var provesLife: Bool {
            switch self {
            case .absent, .copied, .symbolicLink, .directory, .pipe, .unreadable: false
            default: true
            }
        }
    }

    @Test(
        "that is damaged is no scoreboard: nothing is known, nobody is blamed, and all jobs run again",
        arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        let options = JobOptions(maxAttempts: 1, maxCrashes: 1)
        try await queue.enqueue(jobs: try (0..<4).map { _ in try NewJob([], in: "q", options: options) })
        let place = try await queue.store.register(registration(), as: nil)
        let request = ClaimRequest(
            queues: ["q"], limit: 4, lease: .seconds(60), worker: "host:1", registration: place.id)
        let jobs = try await queue.store.claim(request)
        for job in jobs.prefix(3) { place.scoreboard.note(ended: nil, started: job.lease) }
        let path = "\(folder.database)-worker-\(place.id)"
        #expect(try await queue.store.workers().first?.started?.count == 3)
        try damage.apply(to: path)
        let damaged = try #require(try await queue.store.workers().first)
        #expect(damaged.started == nil)
        // Whatever the file contains, its lock is right; another file in its place proves nothing.
        #expect(damaged.liveness == (damage.provesLife ? .alive : .unknown))

        let report = try await queue.store.reclaim(from: [place.id], .died("died", nil))
        #expect(report == ReapReport(requeued: 4))
        #expect(try await queue.store.list(JobFilter()).allSatisfy { $0.suspect && $0.crashes == 0 })
        try await expectSound(queue.store)
        // The worker's next one finds its own place.
        let next = try await queue.store.register(registration(), as: nil)
        #expect(try await queue.store.workers().map(\.started) == [[]])
        try await queue.store.deregister(next.id)
    }

    @Test("that cannot be made leaves the worker working")
    func cannotBeMade() async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        let first = try await queue.store.register(registration(), as: nil)
        try await queue.store.deregister(first.id)
        let id = first.id.rawValue + 1
        let path = "\(folder.database)-worker-\(id)"
        try FileManager.default.createDirectory(atPath: path + "/inside", withIntermediateDirectories: true)
        let place = try await queue.store.register(registration(), as: nil)
        #expect(place.id.rawValue == id)
        try await queue.enqueue(payload: [], in: "q")
        let job = try #require(try await queue.claim().first)
        place.scoreboard.note(ended: nil, started: job.lease)
        place.scoreboard.note(ended: job.lease, started: nil)
        #expect(try await queue.store.workers().map(\.started) == [nil])
        try await queue.ack([job])
        try await queue.store.deregister(place.id)
        #expect(FileManager.default.fileExists(atPath: path + "/inside"))
    }

    @Test("what lies at its place before is nobody's: a link is not followed")
    func linkAtItsPlace() async throws {
        let folder = try TemporaryFolder()
        let precious = folder.path + "/precious"
        try Data("keep me".utf8).write(to: URL(filePath: precious))
        let queue = try await openQueue(folder.database)
        try FileManager.default.createSymbolicLink(
            atPath: folder.database + "-worker-1", withDestinationPath: precious)
        let place = try await queue.store.register(registration(), as: nil)
        #expect(place.id.rawValue == 1)
        #expect(try await queue.store.workers().map(\.started) == [[]])
        #expect(try Data(contentsOf: URL(filePath: precious)) == Data("keep me".utf8))
    }

    @Test("of an earlier worker that nobody knows is swept away at the next registration, no other is")
    func sweep() async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        let live = try await queue.store.register(registration(), as: nil)
        let gone = try await queue.store.register(registration(process: 2), as: nil)
        // Removed silently, as by a process that died between two steps.
        try await queue.store.write { try $0.forget(gone.id) }
        // A silent worker that lives keeps its scoreboard.
        let silent = try await queue.store.register(registration(process: 4), as: nil)
        try await queue.store.write { try $0.forget(silent.id) }
        queue.store.abandon(gone.id)
        // What a registered worker is creating is kept; what a dead one was creating goes.
        let others = [
            "stint.db-worker-99", "stint.db-worker-x", "stint.db-worker-", "other.db-worker-1",
            "stint.db-worker-\(live.id)-new",
        ]
        for name in others + ["stint.db-worker-\(gone.id)-new"] {
            try Data().write(to: URL(filePath: "\(folder.path)/\(name)"))
        }
        let new = try await queue.store.register(registration(process: 3), as: nil)
        let kept = [live, silent, new].map { "stint.db-worker-\($0.id)" } + others
        #expect(Set(try scoreboards(folder.path)) == Set(kept))
        // So does a renewed registration: it sweeps the earlier scoreboards of others.
        _ = try await queue.store.register(registration(), as: live.id)
        #expect(Set(try scoreboards(folder.path)) == Set(kept))
    }

    @Test("each of many workers that register at once has one: no sweep takes what another is creating")
    func manyAtOnce() async throws {
        let folder = try TemporaryFolder()
        let database = folder.database
        _ = try await openQueue(database)
        try await withThrowingTaskGroup { group in
            for process in 1...8 as ClosedRange<Int32> {
                group.addTask {
                    let queue = try await openQueue(database)
                    for _ in 1...100 {
                        let place = try await queue.store.register(registration(process: process), as: nil)
                        let started = try await queue.store.workers().first { $0.id == place.id }?.started
                        #expect(started == [], "worker \(place.id) has no scoreboard")
                        try await queue.store.deregister(place.id)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("is created again if it is taken away before it has its name")
    func takenWhileNew() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/sign"
        try Data().write(to: URL(filePath: folder.database))
        var attempts = 0
        let file = LivenessFile(path, like: folder.database) { inode in
            attempts += 1
            if attempts < 3 { unlink(path + LivenessFile.suffixOfNew) }
            return [inode]
        }
        #expect(file != nil && attempts == 3)
        #expect(LivenessFile.liveness(of: path) { $0.first == $1 } == .alive)
        file?.remove()
        // Not for ever: here it never gets its name.
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(LivenessFile(path, like: folder.database) { [$0] } == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["sign", "stint.db"])
    }

    // MARK: - What the machine tells

    @Test(
        "a host goes on if the dead process is of this boot and these namespaces; what is hidden may be another",
        arguments: [
            // the observer's boot, the worker's boot, the same namespaces, the host
            ("b", "b", true, .alive), ("b", "b", false, .unknown), ("b", "c", true, .dead), ("b", "c", false, .dead),
            ("unknown", "unknown", true, .unknown), ("unknown", "b", true, .dead), ("b", "unknown", true, .dead),
        ] as [(String, String, Bool, Liveness)])
    func host(_ here: String, _ there: String, _ isSameNamespaces: Bool, _ expected: Liveness) {
        clock.setBoot(here)
        let process = ProcessIdentity(
            host: "h", boot: there, namespaces: isSameNamespaces ? ProcessIdentity.current.namespaces : "pid:[1]",
            processID: 1, startTime: 1)
        #expect(Scoreboards(beside: "x", clock: clock).liveness(ofHostOf: process) == expected)
    }

    @Test("how long a job has run is known on the clock that its start was read from, whatever a damaged file says")
    func runTime() {
        func ran(since time: Int64, boot: String = "boot-1", namespaces: String = "") -> Duration? {
            let start = ScoreboardFile.Start(lease: lease(1), time: time)
            let process = ProcessIdentity(host: "h", boot: boot, namespaces: namespaces, processID: 1, startTime: 1)
            return start.runTime(in: process, at: clock.now())
        }
        let now = clock.now().monotonic
        #expect(ran(since: now - 2_500) == .milliseconds(2_500) && ran(since: now) == .zero)
        #expect(ran(since: now + 1) == nil && ran(since: .min) == nil)
        #expect(ran(since: now - 1, boot: "earlier") == nil)
        #expect(ran(since: now - 1, namespaces: "pid:[1] time:[1]") == nil)
    }

    @Test("a process that does not name itself as Stint's own workers do is kept as it names itself")
    func foreignProcess() async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        let process = WorkerProcess(name: "somewhere", id: "process 4711 of somewhere")
        let worker = WorkerRegistration(
            name: "w", process: process, supervisor: WorkerProcess(.current), queues: ["q"], concurrency: 1)
        _ = try await queue.store.register(worker, as: nil)
        let record = try #require(try await queue.workers().first)
        #expect(record.registration.process == process && record.registration.process.name == "somewhere")
        #expect(record.hostLiveness != .alive)
    }

    // MARK: - A real death

    @Test("tells which job a killed process had started, and a reap finds its end by itself")
    func killed() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let ids = try await queue.enqueue(jobs: try (0..<5).map { _ in try NewJob([], in: "q") }).map(\.id)
        _ = try await runClaimingWorker("die", folder.database, "3", "1", expecting: .signaled(SIGKILL))
        let worker = try #require(try await queue.store.workers().first)
        #expect(worker.started?.map(\.lease.job) == [ids[0]])
        let process = try #require(ProcessIdentity(worker.registration.process))
        #expect(process.existence() == .gone && worker.liveness == .dead)

        // Its leases have an hour to go.
        #expect(try await queue.reap() == ReapReport(requeued: 3))
        let culprit = try #require(try await queue.store.job(ids[0]))
        #expect(culprit.record.crashes == 1 && culprit.record.attempts == 1)
        #expect(culprit.failures.first?.kind == .crashed)
        #expect(
            culprit.failures.first?.error == "worker \(worker.registration.name) died; how is not known")
        #expect((culprit.failures.first?.diagnostics?.runTimeMilliseconds ?? -1) >= 0)
        for record in try await queue.store.list(JobFilter(state: .ready)) where record.id != ids[0] {
            #expect(record.attempts == 0 && !record.suspect)
        }
        #expect(try await queue.store.workers().isEmpty)
        #expect(try scoreboards(folder.path).isEmpty)
        #expect(try await queue.reap() == ReapReport())
    }

    @Test("that could not take all starts is taken away, so that the wrong job is not blamed")
    func fullDisk() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let ids = try await queue.enqueue(jobs: try (0..<3).map { _ in try NewJob([], in: "q") }).map(\.id)
        _ = try await runClaimingWorker("die", folder.database, "2", "2", "full", expecting: .signaled(SIGKILL))
        #expect(try await queue.store.workers().map(\.started) == [nil])
        #expect(try await queue.reap() == ReapReport(requeued: 2))
        for id in ids.prefix(2) {
            let record = try #require(try await queue.store.job(id)?.record)
            #expect(record.suspect && record.crashes == 0)
        }
    }

    @Test("a process whose main thread has ended lives on in the others")
    func mainThreadEnded() throws {
        let process = Process()
        process.executableURL = URL(filePath: claimingWorker)
        process.arguments = ["headless"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let identity = ProcessIdentity(ofProcess: process.processIdentifier)
        #expect(output.fileHandleForReading.availableData == Data("ready\n".utf8))
        #expect(identity.existence() == .exists)
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(identity.existence() == .gone)
    }

    @Test("a reap leaves a dead worker of a living supervisor to it, and takes it when the supervisor is gone")
    func supervised() async throws {
        let folder = try TemporaryFolder()
        let queue = try await openQueue(folder.database)
        try await queue.enqueue(payload: [], in: "q")
        func register(under sign: any SupervisorSign) async throws -> WorkerID {
            let registration = WorkerRegistration(
                name: "w", process: .current, supervisor: .current, supervisorSign: sign.name, queues: ["q"],
                concurrency: 1)
            return try await queue.store.register(registration, as: nil).id
        }
        func claim(_ worker: WorkerID) async throws {
            let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "w", registration: worker)
            #expect(try await queue.store.claim(request).count == 1)
        }
        for ends in ["in order", "by a signal"] {
            let sign = try #require(queue.store.signOfSupervisor())
            let (survivor, dead) = (try await register(under: sign), try await register(under: sign))
            try await claim(dead)
            queue.store.abandon(dead)
            // A process that another test starts just now holds its locks too, until it runs its own program.
            try await eventually("the worker is dead") { try await queue.store.workers().last?.liveness == .dead }
            #expect(try await queue.reap() == ReapReport())
            #expect(try await queue.store.workers().map(\.id) == [survivor, dead])
            #expect(try await queue.store.workers().map(\.supervisorLiveness) == [.alive, .alive])
            if ends == "in order" { sign.release() } else { sign.abandon() }
            try await eventually("its supervisor is dead") {
                try await queue.store.workers().allSatisfy { $0.supervisorLiveness == .dead }
            }
            // One that outlives its supervisor goes on working; its dead neighbour is taken.
            #expect(try await queue.reap() == ReapReport(requeued: 1), "\(ends)")
            #expect(try await queue.store.workers().map(\.id) == [survivor], "\(ends)")
            try await queue.store.deregister(survivor)
        }
        // A later worker removes what the killed supervisor has left.
        try await eventually("the signs of dead supervisors are gone") {
            let worker = try await register(under: try #require(queue.store.signOfSupervisor()))
            try await queue.store.deregister(worker)
            return try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .allSatisfy { !$0.contains("-supervisor-") }
        }
    }
}
