import GRDB
import History
import Logging
import StintCore
import StintPlatform
import StintSQLite

extension ScriptedWorkload {
    private static let forever = Duration.seconds(50 * 365 * 86_400)
    private static let minute = Duration.seconds(60)

    /// Creates a file, takes its jobs through everything that can happen to jobs, and closes it.
    func beMade() async throws {
        var raw: SQLiteStore? = try await step("make a database") { try open("new.db") }
        if let raw {
            let roles = try Roles(self, raw)
            for queue: QueueName in ["q", "mail", "app"] {
                try await step("keep the done jobs of \(queue)") {
                    try await raw.configure(queue, QueueSettings(retention: Self.forever))
                }
            }
            try await fill(roles)
            let workers = try await hire(roles)
            try await work(workers[0], roles)
            try await lose(workers, roles)
            try await shareTransactions(workers[0], roles)
            try await prune(raw)
            try await step("back up") { try await raw.backup(to: path("copy.db")) }
            _ = try await step("enqueue after the backup") {
                try await roles.shop.enqueue([job("after-backup")])
            }
            try await step("deregister") { try await workers[0].store.deregister(workers[0].id) }
        }
        try await step("close the database") {
            raw = nil
            try await awaitClosing(of: path("new.db"))
        }
        var again: SQLiteStore? = try await step("open it again") { try open("new.db") }
        if let again {
            let shop = RecordingStore(again, try voice("late-shop"), clock: clock)
            _ = try await step("enqueue after opening again") {
                try await shop.enqueue([job("late-1"), job("late-2", in: "mail")])
            }
        }
        try await step("close it again") {
            again = nil
            try await awaitClosing(of: path("new.db"))
        }
    }

    /// The parties that use the file.
    private struct Roles {
        let raw: SQLiteStore
        let shop: RecordingStore

        init(_ life: ScriptedWorkload, _ raw: SQLiteStore) throws {
            self.raw = raw
            shop = RecordingStore(raw, try life.voice("shop"), clock: life.clock)
        }
    }

    private struct Worker {
        let id: WorkerID
        let scoreboard: any Scoreboard
        let log: HistoryLog
        let store: RecordingStore
    }

    private func job(_ reference: String, in queue: QueueName = "q", options: JobOptions = JobOptions()) throws
        -> NewJob
    {
        try NewJob(Array(reference.utf8), in: queue, options: options)
    }

    private func fill(_ roles: Roles) async throws {
        _ = try await step("enqueue one") { try await roles.shop.enqueue([job("one")]) }
        _ = try await step("enqueue a batch into two queues") {
            let jobs = try (1...20).map {
                try job("batch-\($0)", in: $0 % 3 == 0 ? "mail" : "q", options: .init(priority: UInt32($0 % 4)))
            }
            return try await roles.shop.enqueue(jobs)
        }
        _ = try await step("enqueue with delays") {
            try await roles.shop.enqueue(
                (1...3).map { try job("delayed-\($0)", options: .init(delay: .seconds($0 * 40))) })
        }
        _ = try await step("enqueue with unique keys") {
            try await roles.shop.enqueue(
                (1...3).map { try job("keyed-\($0)", options: .init(uniqueKey: "key-\($0)")) })
        }
        _ = try await step("enqueue with a key that is taken, and one that is free") {
            try await roles.shop.enqueue(
                (3...4).map { try job("keyed-again-\($0)", options: .init(uniqueKey: "key-\($0)")) })
        }
        _ = try await step("collect events in a digest") {
            let options = JobOptions(
                uniqueKey: "digest", onConflict: .collect, debounce: .seconds(20), atMost: .seconds(60))
            return try await roles.shop.enqueue((1...3).map { try job("event-\($0)", options: options) })
        }
        _ = try await step("collect another, and begin the next digest") {
            let options = JobOptions(uniqueKey: "digest", onConflict: .collect, maxEvents: 4)
            return try await roles.shop.enqueue((4...6).map { try job("event-\($0)", options: options) })
        }
        _ = try await step("replace a job") {
            try await roles.shop.enqueue(
                (1...2).map {
                    try job("news-\($0)", options: .init(delay: .seconds(30), uniqueKey: "news", onConflict: .replace))
                })
        }
        _ = try await step("enqueue large ones") {
            try await roles.shop.enqueue(
                (1...2).map { try job("large-\($0)" + String(repeating: "-", count: 9_000 * $0)) })
        }
    }

    private func hire(_ roles: Roles) async throws -> [Worker] {
        var workers: [Worker] = []
        for number in 1...3 {
            let log = try voice("worker-\(number)")
            let store = RecordingStore(roles.raw, log, clock: clock)
            let process = WorkerProcess(
                ProcessIdentity(
                    host: "host", boot: clock.now().boot, namespaces: "", processID: 7_000 + Int32(number),
                    startTime: 1))
            let registration = WorkerRegistration(
                name: process.name, process: process, queues: ["q", "mail"], concurrency: 4)
            let registered = try await step("register worker \(number)") {
                try await store.register(registration, as: nil)
            }
            workers.append(Worker(id: registered.id, scoreboard: registered.scoreboard, log: log, store: store))
        }
        return workers
    }

    private func request(
        _ worker: Worker, _ limit: Int, lease: Duration = minute, of queues: [QueueName] = ["q", "mail"]
    )
        -> ClaimRequest
    {
        ClaimRequest(queues: queues, limit: limit, lease: lease, worker: "host:\(worker.id)", registration: worker.id)
    }

    /// What a handler does that ends well; its settlement comes next.
    private func run(_ jobs: [LeasedJob], by worker: Worker) {
        for job in jobs {
            worker.log.started(job)
            worker.log.finished(job)
        }
    }

    /// What happens to jobs whose worker lives.
    private func work(_ worker: Worker, _ roles: Roles) async throws {
        let first = try await step("claim") { try await worker.store.claim(request(worker, 6)) }
        run(Array(first.prefix(2)), by: worker)
        // In the history, follow-ups are enqueues whose outcome was not returned.
        let followUps = try first.prefix(2).map { try job("follow-up of \($0.id)") }
        for (number, followUp) in followUps.enumerated() {
            let reference = String(decoding: followUp.payload, as: UTF8.self)
            worker.log.append(.invoked(call: 2_000 + number, .enqueue([.init(reference: reference, queue: "q")])))
        }
        let more = try await step("ack two and claim three") {
            try await worker.store.exchange(
                zip(first, followUps).map { Settlement($0.lease, .ack, followUps: [$1]) },
                for: request(worker, 3))
        }.jobs
        _ = try await step("fail, release, bury and crash, in one transaction") {
            try await worker.store.settle(
                [
                    Settlement(first[2].lease, .fail(error: "refused", retryAfter: .seconds(30))),
                    Settlement(first[3].lease, .release(after: .seconds(10))),
                    Settlement(first[4].lease, .bury(reason: "no such address")),
                    Settlement(first[5].lease, .crash(error: "SIGSEGV", retryAfter: .zero)),
                ])
        }
        _ = try await step("extend") {
            try await worker.store.extend(more.map(\.lease), by: .seconds(600))
        }
        try await step("checkpoint 1") { await roles.raw.checkpointLog() }
        try await step("kick a job") { try await roles.shop.kick([first[4].id]) }
        let waiting = try await roles.raw.list(JobFilter(queue: "mail", state: .ready, limit: 2)).map(\.id)
        try await step("bury by hand") { try await roles.shop.bury(waiting, reason: "not yet") }
        _ = try await step("kick a queue") { try await roles.shop.kick("mail", limit: 1) }
        try await step("delete a job in each of two states") {
            try await roles.shop.delete([waiting[0], waiting[1]])
        }
        run(more, by: worker)
        _ = try await step("ack three") {
            try await worker.store.settle(more.map { Settlement($0.lease, .ack) })
        }
    }

    /// What happens to jobs whose worker dies or falls silent.
    private func lose(_ workers: [Worker], _ roles: Roles) async throws {
        let one = try await step("claim for a worker that will die") {
            try await workers[1].store.claim(request(workers[1], 3))
        }
        workers[1].scoreboard.note(ended: nil, started: one[0].lease)
        workers[1].log.started(one[0])
        clock.advance(by: .seconds(1))
        _ = try await step("take back from a worker that ran one job") {
            try await roles.shop.reclaim(
                from: [workers[1].id], .died("was killed by SIGSEGV", nil))
        }
        let several = try await step("claim for another one") {
            try await workers[2].store.claim(request(workers[2], 4))
        }
        for job in several.prefix(2) {
            workers[2].scoreboard.note(ended: nil, started: job.lease)
            workers[2].log.started(job)
        }
        _ = try await step("take back from a worker that ran two jobs") {
            try await roles.shop.reclaim(
                from: [workers[2].id], .died("was killed by SIGSEGV", nil))
        }
        try await step("checkpoint 2") { await roles.raw.checkpointLog() }
        let late = try await step("claim with a short lease") {
            try await workers[0].store.claim(request(workers[0], 2, lease: .seconds(5)))
        }
        clock.advance(by: .seconds(45))
        // Its worker lives, so two looks are needed.
        _ = try await step("mark what has expired") { try await roles.shop.reap() }
        clock.advance(by: .milliseconds(300))
        _ = try await step("reap what has expired") { try await roles.shop.reap() }
        _ = try await step("ack too late") {
            try await workers[0].store.settle(late.map { Settlement($0.lease, .ack) })
        }
        let suspect = try await step("claim a suspect") {
            try await workers[0].store.claim(request(workers[0], 1))
        }
        run(suspect, by: workers[0])
        _ = try await step("ack a suspect") {
            try await workers[0].store.settle(suspect.map { Settlement($0.lease, .ack) })
        }
    }

    /// An application's own transactions, on a connection of its own.
    private func shareTransactions(_ worker: Worker, _ roles: Roles) async throws {
        let log = try voice("application")
        let queue = JobQueue(store: roles.raw)
        var configuration = Configuration()
        configuration.prepareDatabase { [durability] in
            try SQLiteStore.prepareConnection($0, durability: durability)
        }
        let application = try DatabaseQueue(path: path("new.db"), configuration: configuration)
        try await step("make the application's table") {
            try await application.write {
                try $0.execute(sql: "CREATE TABLE orders (id INTEGER PRIMARY KEY, member INTEGER)")
            }
        }
        let new = try job("order 1", in: "app")
        log.append(.invoked(call: 1, .enqueue([.init(reference: "order 1", queue: "app")])))
        let enqueued = try await step("enqueue in the application's transaction") {
            try await application.write { database in
                try database.execute(sql: "INSERT INTO orders (member) VALUES (42)")
                return try queue.enqueue(jobs: [new], with: database)[0]
            }
        }
        log.append(.returned(call: 1, .enqueued([.init(job: enqueued.id.rawValue, isDuplicate: false)])))
        let claimed = try await step("claim the application's job") {
            try await worker.store.claim(request(worker, 1, of: ["app"]))
        }
        run(claimed, by: worker)
        let context = JobContext(
            job: claimed[0], store: roles.raw, worker: "host:1", logger: Logger(label: "life"))
        let settlement = Call.Settlement(.init(job: context.id.rawValue, token: context.token.rawValue), .ack)
        worker.log.append(.invoked(call: 1_000, .exchange([settlement], claim: nil)))
        try await step("ack in the application's transaction") {
            try await application.write { database in
                try database.execute(sql: "UPDATE orders SET member = 43")
                try queue.ack(context, with: database)
            }
        }
        worker.log.append(.returned(call: 1_000, .exchanged([.done], claimed: [])))
        try application.close()
    }

    /// Jobs that are done and deleted; by the store itself, since the history would call them lost.
    private func prune(_ raw: SQLiteStore) async throws {
        try await step("keep done jobs for a second") {
            try await raw.configure(Self.fleeting, QueueSettings(retention: .seconds(1)))
        }
        _ = try await step("enqueue jobs that will be pruned") {
            try await raw.enqueue((1...5).map { try job("fleeting \($0)", in: Self.fleeting) })
        }
        let request = ClaimRequest(queues: [Self.fleeting], limit: 5, lease: Self.minute, worker: "host:1")
        let jobs = try await step("claim them") { try await raw.claim(request) }
        _ = try await step("ack them") {
            try await raw.settle(jobs.map { Settlement($0.lease, .ack) })
        }
        clock.advance(by: .seconds(2))
        _ = try await step("prune") { try await raw.reap() }
        try await step("checkpoint 3") { await raw.checkpointLog() }
    }
}
