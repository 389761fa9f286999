import Logging
import ServiceLifecycle
import Stint
import StintCore
import TestSupport
import Testing

@Suite("A worker", .timeLimit(.minutes(2)))
struct WorkerTests {
    @Test("runs as many handlers at once as it may, and no more")
    func concurrency() async throws {
        try await withQueue { queue in
            for number in 0..<12 { try await queue.enqueue(Greeting(name: "\(number)"), in: "q") }
            let (running, highest, door) = (Log<Int>(), Log<Int>(), Door())
            var worker = queue.drainingWorker { $0.concurrency = 3 }
            worker.registerJob(Greeting.self) { _, _ in
                running.append(1)
                highest.append(running.all.reduce(0, +))
                try await door.wait()
                running.append(-1)
            }
            let task = Task { [worker] in try await worker.run() }
            try await door.untilArrived(3)
            #expect(try await queue.counts().leased == 3)
            door.open()
            try await task.value
            #expect(highest.all.max() == 3)
            #expect(try await queue.counts().done == 12)
        }
    }

    @Test("wakes up when a job is enqueued in its process, and when a delayed one is due")
    func wakesUp() async throws {
        try await withQueue(safetyLookInterval: .seconds(3_600)) { queue in
            let (stream, ran) = AsyncStream.makeStream(of: String.self)
            // The poll interval is longer than this test: only the wake-up can start the job.
            var worker = Worker(queue, queues: ["q"], options: idleOptions(pollInterval: .seconds(3_600)))
            worker.registerJob(Greeting.self) { job, _ in ran.yield(job.name) }
            try await running([worker]) {
                var names = stream.makeAsyncIterator()
                try await queue.enqueue(Greeting(name: "now"), in: "q")
                #expect(await names.next() == "now")
                try await queue.enqueue(Greeting(name: "soon"), in: "q", delay: .milliseconds(30))
                #expect(await names.next() == "soon")
            }
        }
    }

    private func idleOptions(pollInterval: Duration) -> Worker.Options {
        var options = Worker.Options()
        options.pollInterval = pollInterval
        return options
    }

    @Test("told to stop, lets the running handler finish and gives back what it has not started, at no cost")
    func drains() async throws {
        try await withQueue { queue in
            for number in 0..<5 { try await queue.enqueue(Greeting(name: "\(number)"), in: "q") }
            let door = Door()
            var options = Worker.Options()
            options.batch = 5
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { _, _ in try await door.wait() }
            // The handler may go on only when the rest was given back: that happens while it still runs.
            let opening = Task {
                try await eventually("the rest is released") { try await queue.counts().ready == 4 }
                door.open()
            }
            // A worker that is told to stop before it starts the first one gives all of them back.
            try await running([worker]) {
                try await door.untilArrived()
                #expect(try await queue.counts().leased == 5)
            }
            try await opening.value
            let stats = try await queue.counts()
            #expect(stats.done == 1 && stats.ready == 4 && stats.leased == 0)
            for record in try await queue.store.list(JobFilter()) { #expect(record.attempts == 0) }
        }
    }

    @Test("past the grace period cancels its handlers, and their jobs are released without blame")
    func gracePeriod() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Greeting(name: "endless"), in: "q", options: JobOptions(maxAttempts: 1)).id
            let door = Door()
            var options = Worker.Options()
            options.gracePeriod = .milliseconds(20)
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { _, _ in try await door.wait() }
            try await running([worker]) { try await door.untilArrived() }
            let record = try #require(try await queue.record(id))
            #expect(record.state == .ready && record.attempts == 0)
        }
    }

    @Test("extends the lease of a handler that runs long, so that no reaper takes it")
    func heartbeat() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Greeting(name: "long"), in: "q").id
            let door = Door()
            var worker = queue.drainingWorker { $0.lease = .milliseconds(1_500) }
            worker.registerJob(Greeting.self) { _, _ in try await door.wait() }
            let reaper = Reaper(queue, every: .milliseconds(10))
            let task = Task { [worker] in try await worker.run() }
            let reaping = Task { try await reaper.run() }
            try await door.untilArrived()
            let first = try #require(try await queue.record(id)?.leaseExpiresAtMilliseconds)
            try await eventually("the lease was extended past its length") {
                let record = try #require(try await queue.record(id))
                try #require(record.state == .leased && record.attempts == 1)
                return record.leaseExpiresAtMilliseconds! > first + 1_500
            }
            door.open()
            try await task.value
            reaping.cancel()
            try await reaping.value
            #expect(try await queue.counts().done == 1)
        }
    }

    @Test("does not start what waits in it when the lease ran out unnoticed: another may have done it")
    func expiredBacklog() async throws {
        try await withQueue { original in
            let clock = LateClock()
            var storeOptions = SQLiteStore.Options()
            storeOptions.clock = clock
            let queue = try await JobQueue(.sqlite(original.store.path, options: storeOptions))
            for name in ["first", "second"] { try await queue.enqueue(Greeting(name: name), in: "q") }
            let ran = Log<String>()
            var worker = queue.drainingWorker {
                $0.batch = 2
                $0.clock = { .now + .milliseconds(clock.lateness.load(ordering: .relaxed)) }
            }
            worker.registerJob(Greeting.self) { job, _ in
                ran.append(job.name)
                // As if the process had been stopped here for two minutes.
                clock.lateness.add(120_000, ordering: .relaxed)
                while try await queue.reap().requeued > 0 {}
                let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(30), worker: "other:1")
                while let job = try await queue.store.claim(request).first {
                    try await queue.store.settle(Settlement(job.lease, .ack))
                }
            }
            try await worker.run()
            #expect(ran.all == ["first"])
            #expect(try await queue.counts().done == 2)
        }
    }

    @Test("cancels a handler whose lease is lost, and its outcome changes nothing")
    func leaseLost() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Greeting(name: "taken"), in: "q").id
            let (door, ended) = (Door(), Log<Bool>())
            var worker = queue.drainingWorker { $0.lease = .milliseconds(60) }
            worker.registerJob(Greeting.self) { _, _ in
                do { try await door.wait() } catch { ended.append(Task.isCancelled) }
            }
            let task = Task { [worker] in try await worker.run() }
            try await door.untilArrived()
            try await queue.store.bury([id], reason: "by hand")
            try await task.value
            #expect(ended.all == [true])
            #expect(try await queue.record(id)?.reason == "by hand")
        }
    }

    @Test("runs a suspect with nothing beside it, neither what ran before nor what comes after")
    func suspectsRunAlone() async throws {
        try await withQueue { queue in
            for number in 0..<2 { try await queue.enqueue(Greeting(name: "suspect \(number)"), in: "q") }
            let request = ClaimRequest(queues: ["q"], limit: 2, lease: .milliseconds(1), worker: "gone:1")
            _ = try await queue.store.claim(request)
            try await eventually("the lease ended") { try await queue.reap().requeued == 2 }
            let urgent = JobOptions(priority: 1)
            try await queue.enqueue(Greeting(name: "urgent"), in: "q", options: urgent)
            for number in 0..<4 { try await queue.enqueue(Greeting(name: "other \(number)"), in: "q") }

            let (running, beside, door) = (Log<Int>(), Log<(name: String, count: Int)>(), Door())
            var worker = queue.drainingWorker { $0.concurrency = 4 }
            worker.registerJob(Greeting.self) { job, _ in
                running.append(1)
                if job.name == "urgent" { try await door.wait() }
                beside.append((job.name, running.all.reduce(0, +)))
                running.append(-1)
            }
            let task = Task { [worker] in try await worker.run() }
            try await door.untilArrived()
            // Suspects are passed over until the urgent job is done; the others run beside it.
            try await eventually("the others ran") { beside.all.count == 4 }
            door.open()
            try await task.value
            #expect(beside.all.count == 7)
            for entry in beside.all where entry.name.hasPrefix("suspect") { #expect(entry.count == 1) }
        }
    }

    @Test("keeps what is finished while the store cannot be written, and says it again")
    func storeComesBack() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Greeting(name: "x"), in: "q").id
            let door = Door()
            let impatient = try await JobQueue(
                .sqlite(queue.store.path, options: .init(busyTimeout: .milliseconds(20))))
            var worker = impatient.drainingWorker()
            worker.registerJob(Greeting.self) { _, _ in try await door.wait() }
            let task = Task { [worker] in try await worker.run() }
            try await door.untilArrived()
            try await queue.store.holdingWriteLock {
                door.open()
                try await eventually("the worker was refused") {
                    do {
                        _ = try await impatient.enqueue(Greeting(name: "y"), in: "other")
                        return false
                    } catch let error as StintError {
                        return error.code == .databaseBusy
                    }
                }
                #expect(try await queue.record(id)?.state == .leased)
            }
            try await task.value
            #expect(try await queue.counts().done == 1)
        }
    }

    @Test("several workers share a queue, and every job runs once")
    func severalWorkers() async throws {
        try await withQueue { queue in
            try await queue.enqueue(contentsOf: (0..<300).map { Greeting(name: "\($0)") }, in: "q")
            let seen = Log<String>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    var worker = queue.drainingWorker {
                        $0.concurrency = 4
                        $0.batch = 8
                    }
                    worker.registerJob(Greeting.self) { job, _ in seen.append(job.name) }
                    group.addTask { [worker] in try await worker.run() }
                }
                try await group.waitForAll()
            }
            #expect(seen.all.count == 300 && Set(seen.all).count == 300)
        }
    }

    @Test("a reaper in the service brings back the jobs of a worker that died")
    func reaper() async throws {
        try await withQueue { queue in
            try await queue.enqueue(Greeting(name: "orphan"), in: "q")
            let request = ClaimRequest(queues: ["q"], limit: 1, lease: .milliseconds(20), worker: "gone:1")
            _ = try await queue.store.claim(request)
            let (stream, ran) = AsyncStream.makeStream(of: Int.self)
            var worker = Worker(queue, queues: ["q"], options: idleOptions(pollInterval: .milliseconds(5)))
            worker.registerJob(Greeting.self) { _, context in ran.yield(context.attempt) }
            try await running([worker, Reaper(queue, every: .milliseconds(5))]) {
                var attempts = stream.makeAsyncIterator()
                // The lease ran out, which proves nothing, so it has cost no attempt.
                #expect(await attempts.next() == 1)
            }
        }
    }
}
