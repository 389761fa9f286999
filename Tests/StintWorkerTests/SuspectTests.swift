import Foundation
import Stint
import StintCore
import StintSQLite
import Synchronization
import TestSupport
import Testing

@testable import StintWorker

@Suite("A suspect idles no hands, and does not wait for ever", .timeLimit(.minutes(2)))
struct SuspectTests {
    /// Jobs that shared a lease which ran out.
    private func makeSuspects(_ count: Int, _ queue: JobQueue<SQLiteStore>) async throws {
        for number in 0..<count { try await queue.enqueue(Greeting(name: "suspect \(number)"), in: "q") }
        // At least two, since one alone would be blamed.
        try await queue.enqueue(Greeting(name: "innocent"), in: "q")
        let request = ClaimRequest(queues: ["q"], limit: count + 1, lease: .milliseconds(1), worker: "gone:1")
        let jobs = try await queue.store.claim(request)
        try await eventually("the lease ended") { try await queue.reap().requeued == count + 1 }
        try await queue.store.delete([jobs[count].id])
    }

    private func worker(
        _ queue: JobQueue<SQLiteStore>, concurrency: Int, _ change: (inout Worker.Options) -> Void = { _ in },
        _ handler: @escaping @Sendable (String) async throws -> Void
    ) -> Worker {
        var options = Worker.Options()
        options.concurrency = concurrency
        change(&options)
        var worker = Worker(queue, queues: ["q"], options: options)
        worker.registerJob(Greeting.self) { job, _ in try await handler(job.name) }
        return worker
    }

    @Test("beside a long job all other hands go on, and the suspect runs when its process is empty")
    func longJob() async throws {
        try await withQueue { queue in
            try await makeSuspects(2, queue)
            try await queue.enqueue(Greeting(name: "long"), in: "q", options: JobOptions(priority: 1))
            for number in 0..<30 { try await queue.enqueue(Greeting(name: "other \(number)"), in: "q") }
            let (door, ran) = (Door(), Log<String>())
            let inside = Mutex(0)
            let worker = worker(queue, concurrency: 3) { name in
                let beside = inside.withLock { count in
                    count += 1
                    return count
                }
                if name == "long" { try await door.wait() }
                if name.hasPrefix("suspect") { #expect(beside == 1) }
                inside.withLock { $0 -= 1 }
                ran.append(name)
            }
            try await running([worker]) {
                try await door.untilArrived()
                try await eventually("the others ran beside the long one") { ran.all.count == 30 }
                #expect(!ran.all.contains { $0.hasPrefix("suspect") })
                door.open()
                try await eventually("the suspects ran") { ran.all.count == 33 }
            }
            #expect(Set(ran.all).count == 33)
        }
    }

    @Test("an idle worker elsewhere takes it at once, and then the busy one is not held up either")
    func idleWorker() async throws {
        try await withQueue { queue in
            try await makeSuspects(1, queue)
            try await queue.enqueue(Greeting(name: "long"), in: "q", options: JobOptions(priority: 1))
            let (door, ran) = (Door(), Log<String>())
            let busy = worker(queue, concurrency: 2) { name in
                if name == "long" { try await door.wait() }
                ran.append("busy: \(name)")
            }
            try await running([busy]) {
                try await door.untilArrived()
                // Acts as another process, as far as the exclusive run lock is concerned.
                let idle = worker(try await JobQueue(.sqlite(queue.store.path)), concurrency: 2) { name in
                    ran.append("idle: \(name)")
                }
                try await running([idle]) {
                    try await eventually("the suspect ran") { ran.all == ["idle: suspect 0"] }
                }
                for number in 0..<5 { try await queue.enqueue(Greeting(name: "\(number)"), in: "q") }
                try await eventually("the others ran") { ran.all.count == 6 }
                door.open()
            }
        }
    }

    @Test("workers that are never idle make room for it after a while", arguments: [1, 2])
    func neverIdle(workers count: Int) async throws {
        try await withQueue { queue in
            try await makeSuspects(1, queue)
            let suspectsRun = Log<Int>()
            let inside = Mutex((started: 0, count: 0))
            for number in 0..<6 { try await queue.enqueue(Greeting(name: "\(number)"), in: "q", options: urgent) }
            let workers = (0..<count).map { _ in
                worker(queue, concurrency: 3) { name in
                    let (number, beside) = inside.withLock { inside in
                        inside.started += 1
                        inside.count += 1
                        return (inside.started, inside.count)
                    }
                    if name.hasPrefix("suspect") {
                        suspectsRun.append(beside)
                    } else if suspectsRun.all.isEmpty {
                        // The process is never empty by itself: each has a successor, and awaits the start of one. Where none
                        // comes, nothing is started any more.
                        try await queue.enqueue(Greeting(name: name), in: "q")
                        for _ in 0..<20 where inside.withLock({ $0.started == number }) {
                            try await Task.sleep(for: .milliseconds(10))
                        }
                    }
                    inside.withLock { $0.count -= 1 }
                }
            }
            try await running(workers) {
                try await eventually("the suspect ran", within: .seconds(60)) { !suspectsRun.all.isEmpty }
            }
            #expect(suspectsRun.all == [1], "with nothing beside it in the process")
        }
    }

    private var urgent: JobOptions { JobOptions(priority: 1) }

    @Test("while only suspects are ready that it cannot take, a worker does not ask the store again and again")
    func patience() async throws {
        try await withQueue { queue in
            try await makeSuspects(1, queue)
            try await queue.enqueue(Greeting(name: "long"), in: "q", options: urgent)
            let claims = Mutex(0)
            var store = InterposedStore(base: queue.store)
            store.beforeExchange = { _, request in if request != nil { claims.withLock { $0 += 1 } } }
            let door = Door()
            var worker = Worker(JobQueue(store: store), queues: ["q"], concurrency: 2)
            worker.registerJob(Greeting.self) { job, _ in if job.name == "long" { try await door.wait() } }
            try await running([worker]) {
                try await door.untilArrived()
                // After that, two rounds of passing over it and of making its process free are over; see SuspectWait.
                try await Task.sleep(for: .seconds(2))
                #expect(claims.withLock { $0 } < 20)
                door.open()
                try await eventually("all ran") { try await queue.counts().done == 2 }
            }
        }
    }

    @Test("where another worker of its process was quicker, it claims the suspect again only when it has made room")
    func quickerNeighbour() async throws {
        try await withQueue { queue in
            try await makeSuspects(1, queue)
            let ran = Log<String>()
            let claimsInVain = Mutex(0)
            let isInside = Mutex(false)
            let neighbour = ObjectIdentifier(ran)
            let registration = WorkerRegistration(
                name: "quicker", process: .current, queues: ["q"], concurrency: 1)
            let place = try await queue.store.register(registration, as: nil)
            var store = InterposedStore(base: queue.store)
            // The neighbour starts a job whenever it may, and has ended it when the suspect is given back.
            store.afterExchange = { _, exchange in
                guard exchange.jobs.contains(where: \.runsAlone), place.runLock.begin(neighbour, alone: false) else {
                    return
                }
                claimsInVain.withLock { $0 += 1 }
                isInside.withLock { $0 = true }
            }
            store.beforeExchange = { _, _ in
                let leaves = isInside.withLock { isInside in
                    defer { isInside = false }
                    return isInside
                }
                if leaves { place.runLock.end() }
            }
            var worker = Worker(JobQueue(store: store), queues: ["q"], concurrency: 1)
            worker.registerJob(Greeting.self) { job, _ in ran.append(job.name) }
            try await running([worker]) {
                try await eventually("the suspect ran") { !ran.all.isEmpty }
            }
            #expect(claimsInVain.withLock { $0 } == 1)
        }
    }
}
