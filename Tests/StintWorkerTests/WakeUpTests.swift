import StintCore
import StintSQLite
import StintWorker
import Subprocess
import TestSupport
import Testing

/// Each with intervals longer than the test, the worker's and the store's: only the wake-up can start the job.
@Suite("An idle worker wakes up at once, whoever brings the job", .timeLimit(.minutes(5)))
struct WakeUpTests {
    /// Runs a worker on queue `q` that notes payloads, waits until it sleeps, and lets `bring` enqueue a job.
    private func woken(
        prepare: (JobQueue<SQLiteStore>) async throws -> Void = { _ in },
        by bring: (JobQueue<SQLiteStore>, _ path: String) async throws -> Void
    ) async throws {
        try await withQueue(safetyLookInterval: .seconds(3_600)) { queue in
            try await prepare(queue)
            let (stream, ran) = AsyncStream.makeStream(of: String.self)
            var options = Worker.Options()
            options.pollInterval = .seconds(3_600)
            var worker = Worker(queue, queues: ["q", "other"], options: options)
            worker.registerOthers { ran.yield(String(decoding: $0.job.payload, as: UTF8.self)) }
            // As another process has it.
            let elsewhere = try await JobQueue(.sqlite(queue.store.path))
            try await running([worker]) {
                var names = stream.makeAsyncIterator()
                // After one job it has nothing to do but to sleep.
                try await elsewhere.enqueue(payload: Array("first".utf8), in: "other")
                #expect(await names.next() == "first")
                try await bring(elsewhere, queue.store.path)
                #expect(await names.next() == "job")
            }
        }
    }

    private let job = Array("job".utf8)

    @Test("an enqueue by another process")
    func enqueue() async throws {
        try await woken { queue, _ in try await queue.enqueue(payload: job, in: "q") }
    }

    @Test("an insert by a program that has SQLite and no Stint")
    func foreignInsert() async throws {
        try await woken { _, path in
            let insert = "INSERT INTO stint_enqueue (queue, payload) VALUES ('q', 'job')"
            let shell = try await Subprocess.run(
                .name("sqlite3"),
                arguments: [path, "PRAGMA busy_timeout = 30000; PRAGMA wal_autocheckpoint = 0; \(insert)"],
                output: .string(limit: 4_096), error: .string(limit: 4_096))
            #expect(shell.terminationStatus.isSuccess, "\(shell.standardError)")
        }
    }

    @Test("a job whose time has come, though another process enqueued it")
    func due() async throws {
        try await woken { queue, _ in try await queue.enqueue(payload: job, in: "q", delay: .milliseconds(20)) }
    }

    @Test("a job that becomes due earlier than the one that it waits for")
    func dueEarlier() async throws {
        try await woken { queue, _ in
            try await queue.enqueue(payload: Array("later".utf8), in: "q", delay: .seconds(3_600))
            try await queue.enqueue(payload: job, in: "q", delay: .milliseconds(20))
        }
    }

    @Test("a kick by another process")
    func kick() async throws {
        try await woken { queue in
            let id = try await queue.enqueue(payload: job, in: "q").id
            try await queue.store.bury([id], reason: "test")
        } by: { queue, _ in
            let count = try await queue.kick("q")
            #expect(count == 1)
        }
    }

    @Test("a resume by another process")
    func resume() async throws {
        try await woken { queue in
            try await queue.enqueue(payload: job, in: "q")
            try await queue.pause("q")
        } by: { queue, _ in
            try await queue.resume("q")
        }
    }

    @Test("a worker whose store looks by itself at least as often hardly ever looks, and gets what the store finds")
    func storesLooks() async throws {
        for (own, isRare) in [(Duration.milliseconds(20), true), (.seconds(3_600), false)] {
            try await withQueue(safetyLookInterval: own) { queue in
                try await queue.resume("q")
                let (stream, ran) = AsyncStream.makeStream(of: Void.self)
                var options = Worker.Options()
                options.pollInterval = .milliseconds(20)
                let looks = Log<Void>()
                let store = InterposedStore(base: queue.store, beforeLook: { looks.append(()) })
                var worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
                worker.registerOthers { _ in ran.yield() }
                try await running([worker]) {
                    try await eventually("it has looked") { !looks.all.isEmpty }
                    if isRare {
                        let end = ContinuousClock.now + .milliseconds(300)
                        try await eventually("300 ms are over") { ContinuousClock.now >= end }
                        #expect(looks.all.count <= 3)
                    } else {
                        try await eventually("it looks again and again") { looks.all.count > 3 }
                    }
                    try await queue.enqueue(payload: [1], in: "q")
                    var runs = stream.makeAsyncIterator()
                    #expect(await runs.next() != nil)
                }
            }
        }
    }

    @Test("a worker that was told that there is nothing, and is not told of a job, finds it when it looks by itself")
    func ownLook() async throws {
        try await withQueue { queue in
            try await queue.resume("q")
            let (stream, ran) = AsyncStream.makeStream(of: String.self)
            var options = Worker.Options()
            options.pollInterval = .milliseconds(50)
            let looks = Log<Void>()
            let store = InterposedStore(base: queue.store, beforeLook: { looks.append(()) }, isDeaf: true)
            var worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
            worker.registerOthers { ran.yield(String(decoding: $0.job.payload, as: UTF8.self)) }
            let elsewhere = try await JobQueue(.sqlite(queue.store.path))
            try await running([worker]) {
                var names = stream.makeAsyncIterator()
                for name in ["one", "two"] {
                    // It has done all that it knows of, has heard the only word that there is, and goes on looking.
                    let before = looks.all.count
                    try await eventually("it looks by itself") { looks.all.count > before + 3 }
                    try await elsewhere.enqueue(payload: Array(name.utf8), in: "q")
                    #expect(await names.next() == name)
                }
            }
        }
    }
}
