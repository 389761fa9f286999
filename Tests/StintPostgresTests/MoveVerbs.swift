import StintCore
import Testing

@testable import StintPostgres

/// Something that changes a database.
struct MovingVerb: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether it is an enqueue, which is allowed while the jobs are moved and after that.
    var isEnqueue = false
    /// Whether jobs have changed after it.
    var changesJobs = true
    /// Makes what it needs, and returns what makes the change.
    let prepare: @Sendable (MovingPlace) async throws -> @Sendable () async throws -> Void

    init(
        _ name: String, isEnqueue: Bool = false, changesJobs: Bool = true,
        _ prepare: @escaping @Sendable (MovingPlace) async throws -> @Sendable () async throws -> Void
    ) {
        testDescription = name
        (self.isEnqueue, self.changesJobs) = (isEnqueue, changesJobs)
        self.prepare = prepare
    }

    static let all = enqueues + sqlEnqueues + settlements + changes + times + others

    private static func enqueue(
        _ name: String, after first: JobOptions? = nil, _ options: JobOptions, changesJobs: Bool = true
    ) -> MovingVerb {
        MovingVerb("enqueue \(name)", isEnqueue: true, changesJobs: changesJobs) { place in
            try await place.enqueue()
            if let first { try await place.enqueue(first) }
            place.clock.advance(by: .milliseconds(2))
            return { try await place.enqueue(options, [9]) }
        }
    }

    private static let keyed = JobOptions(uniqueKey: "k")
    private static let digest = JobOptions(
        uniqueKey: "k", onConflict: .collect, debounce: .seconds(50), atMost: .seconds(90))

    private static let enqueues = [
        enqueue("plain", JobOptions(priority: 7)),
        enqueue("delayed", JobOptions(delay: .seconds(9))),
        enqueue("with a key", keyed),
        enqueue("of a job that is there", after: keyed, keyed, changesJobs: false),
        enqueue("with a group", JobOptions(group: "g")),
        enqueue(
            "with a group that was idle", after: JobOptions(delay: .seconds(9), group: "g"), JobOptions(group: "g")),
        enqueue("that replaces", after: keyed, JobOptions(priority: 2, uniqueKey: "k", onConflict: .replace)),
        enqueue(
            "that replaces a delayed job of a group", after: JobOptions(delay: .seconds(9), uniqueKey: "k", group: "g"),
            JobOptions(uniqueKey: "k", group: "h", onConflict: .replace)),
        enqueue("of an event", after: digest, digest),
        enqueue(
            "of an event of a ready digest", after: JobOptions(uniqueKey: "k", onConflict: .collect),
            JobOptions(uniqueKey: "k", onConflict: .collect)),
        enqueue(
            "that becomes the next one of a key", after: JobOptions(uniqueKey: "k", expires: .milliseconds(1)), keyed),
        enqueue("with an idempotency key", JobOptions(idempotencyKey: "i")),
    ]

    private static let sqlEnqueues = [
        "'x'", "'x', delay_ms => 9", "'x', unique_key => 'k', on_conflict => 'replace'",
        "'x', unique_key => 'd', on_conflict => 'collect', debounce_ms => 7",
        "'x', \"group\" => 'g', idempotency_key => 'i'",
    ].map { arguments in
        MovingVerb("stint.enqueue(\(arguments))", isEnqueue: true) { place in
            try await place.enqueue(keyed)
            try await place.enqueue(JobOptions(uniqueKey: "d", onConflict: .collect, debounce: .seconds(50)))
            return { try await place.sql("SELECT stint.enqueue(\(arguments), queue => 'q')") }
        }
    }

    private static func settle(
        _ name: String, keeps: Bool = false, options: JobOptions = keyed,
        _ settlement: @escaping @Sendable (Lease) throws -> Settlement
    ) -> MovingVerb {
        MovingVerb("settle: \(name)") { place in
            if keeps { try await place.store.configure("q", QueueSettings(retention: .seconds(600))) }
            try await place.enqueue(options)
            let lease = try await place.claim()[0].lease
            return { _ = try await place.store.settle([settlement(lease)]) }
        }
    }

    private static let settlements = [
        settle("ack") { Settlement($0, .ack) },
        settle("ack of a job without a key", options: JobOptions()) { Settlement($0, .ack) },
        settle("ack of a kept job", keeps: true, options: JobOptions()) { Settlement($0, .ack) },
        settle("ack of a digest", options: JobOptions(uniqueKey: "k", onConflict: .collect)) { Settlement($0, .ack) },
        settle("ack with a follow-up") { Settlement($0, .ack, followUps: [try NewJob([3], in: "q")]) },
        settle("release") { Settlement($0, .release(after: .zero)) },
        settle("release of a group", options: JobOptions(group: "g")) { Settlement($0, .release(after: .seconds(3))) },
        settle("suspect") { Settlement($0, .suspect) },
        settle("retry") { Settlement($0, .fail(error: "e", retryAfter: .seconds(5)), priority: 3) },
        settle("last failure", options: JobOptions(maxAttempts: 1)) {
            Settlement($0, .fail(error: "e", retryAfter: .zero))
        },
        settle("crash") { Settlement($0, .crash(error: "e", retryAfter: .zero)) },
        settle("bury") { Settlement($0, .bury(reason: "r")) },
        MovingVerb("settle: expire") { place in
            try await place.store.configure("q", QueueSettings(retention: .seconds(600)))
            try await place.enqueue(JobOptions(expires: .seconds(9)))
            let lease = try await place.claim()[0].lease
            place.clock.advance(by: .seconds(10))
            return { _ = try await place.store.settle([Settlement(lease, .expire)]) }
        },
        MovingVerb("stint.ack") { place in
            try await place.enqueue(keyed)
            let lease = try await place.claim()[0].lease
            return { try await place.sql("SELECT stint.ack(\(lease.token.rawValue), \(lease.job.rawValue))") }
        },
        MovingVerb("extend", changesJobs: false) { place in
            try await place.enqueue()
            let lease = try await place.claim()[0].lease
            return { _ = try await place.store.extend([lease], by: .seconds(60)) }
        },
        MovingVerb("claim") { place in
            try await place.enqueue()
            return { _ = try await place.claim() }
        },
        MovingVerb("claim from two queues, one with groups") { place in
            try await place.enqueue(JobOptions(group: "g"))
            try await place.enqueue(in: "r")
            return { _ = try await place.claim("q", "r", limit: 2) }
        },
        MovingVerb("claim of what was delayed") { place in
            try await place.enqueue(JobOptions(delay: .seconds(9)))
            place.clock.advance(by: .seconds(9))
            return { _ = try await place.claim() }
        },
    ]

    private static func change(
        _ change: JobChange, after first: JobChange? = nil, options: JobOptions = keyed, keeps: Bool = false
    ) -> MovingVerb {
        MovingVerb("\(change) after \(first.map { "\($0)" } ?? "nothing")") { place in
            if keeps { try await place.store.configure("q", QueueSettings(retention: .seconds(600))) }
            let id = try await place.enqueue(options)
            if let first { try await place.store.change([id], first, by: nil) }
            return { try await place.store.change([id], change, by: nil) }
        }
    }

    private static let changes =
        [
            change(.kick, after: .bury(reason: "r")), change(.kickLater(after: .seconds(9)), after: .bury(reason: "r")),
            change(.runNow, options: JobOptions(delay: .seconds(9))), change(.bury(reason: "r")),
            change(.cancel(reason: "r"), after: .bury(reason: "r"), options: JobOptions(), keeps: true),
            change(.cancel(reason: "r"), options: JobOptions(group: "g")),
            change(.delete), change(.delete, options: JobOptions(delay: .seconds(9), group: "g")),
            change(.delete, after: .cancel(reason: "r"), keeps: true), change(.move(to: "r")),
            change(.setPriority(to: 5)), change(.setPriority(to: 5), after: .bury(reason: "r")),
        ] + [
            MovingVerb("change of a selection") { place in
                try await place.enqueue()
                return {
                    _ = try await place.store.change(JobSelection("q"), .bury(reason: "r"), from: nil, limit: 9)
                }
            },
            MovingVerb("delete by an operation") { place in
                try await place.enqueue(keyed)
                return { try await operate(place) }
            },
            restore("restore", keyed),
            restore("restore of a cancelled job", JobOptions(), isCancelled: true),
        ]

    private static func restore(_ name: String, _ options: JobOptions, isCancelled: Bool = false) -> MovingVerb {
        MovingVerb(name) { place in
            try await place.store.configure("q", QueueSettings(retention: .seconds(600)))
            let id = try await place.enqueue(options)
            if isCancelled { try await place.store.cancel([id], reason: "r") }
            let deletion = try await operate(place)
            return {
                _ = try await place.store.beginRestore(of: deletion, by: nil)
                try await steps(place)
            }
        }
    }

    @discardableResult
    private static func operate(_ place: MovingPlace) async throws -> OperationID {
        let operation = try await place.store.begin(NewOperation(.delete, JobSelection("q")))
        try await steps(place)
        return operation.id
    }

    private static func steps(_ place: MovingPlace) async throws {
        let driver = OperationDriver()
        for _ in 0..<20 {
            if case .made = try await place.store.step(by: driver) { continue }
            return
        }
    }

    private static let times = [
        MovingVerb("reap of a lease") { place in
            try await place.enqueue()
            _ = try await place.claim()
            // So long after it was opened that no outage is remembered.
            place.clock.advance(by: .seconds(600))
            return { _ = try await place.store.reap() }
        },
        MovingVerb("reap of what has expired") { place in
            try await place.enqueue(JobOptions(expires: .seconds(1)))
            place.clock.advance(by: .seconds(2))
            return { _ = try await place.store.reap() }
        },
        MovingVerb("reap of what was kept") { place in
            try await place.store.configure("q", QueueSettings(retention: .seconds(6)))
            try await place.store.cancel([place.enqueue()], reason: "r")
            try await place.enqueue()
            _ = try await place.store.settle([Settlement(place.claim()[0].lease, .ack)])
            place.clock.advance(by: .seconds(7))
            return { _ = try await place.store.reap() }
        },
        MovingVerb("reclaim") { place in
            let worker = try await place.register()
            try await place.enqueue()
            _ = try await place.claim(by: worker)
            return { _ = try await place.store.reclaim(from: [worker], .stopped) }
        },
        MovingVerb("tick") { place in
            try await setSchedule(place)
            place.clock.advance(by: .seconds(61))
            return { _ = try await place.store.tick() }
        },
        MovingVerb("webhooks") { place in
            try await setWebhook(place)
            try await place.store.bury([place.enqueue()], reason: "r")
            return { _ = try await place.store.notifyWebhooks() }
        },
    ]

    private static func setSchedule(_ place: MovingPlace, _ name: String = "s") async throws {
        _ = try await place.store.setSchedule(
            Schedule(name, .every(.seconds(60)), job: NewJob([4], in: "q")))
    }

    private static func setWebhook(_ place: MovingPlace) async throws {
        _ = try await place.store.setWebhook(
            Webhook("w", url: "https://hooks.example.com/x", events: ["buried"]), keepsSecret: true)
    }

    private static func other(
        _ name: String, changesJobs: Bool = false, _ body: @escaping @Sendable (MovingPlace) async throws -> Void
    ) -> MovingVerb {
        MovingVerb(name, changesJobs: changesJobs) { place in
            try await place.enqueue(JobOptions(group: "g"))
            try await setSchedule(place)
            try await setWebhook(place)
            return { try await body(place) }
        }
    }

    private static let others = [
        other("configure") { try await $0.store.configure("q", QueueSettings(paused: true)) },
        other("weight") { try await $0.store.setWeight(3, ofGroup: "g", in: "q") },
        other("set a schedule") { try await setSchedule($0, "t") },
        other("pause a schedule") { try await $0.store.changeSchedule("s", .pause) },
        other("run a schedule", changesJobs: true) { _ = try await $0.store.runSchedule("s") },
        other("set a webhook") { place in
            _ = try await place.store.setWebhook(
                Webhook("x", url: "https://hooks.example.com/x", events: ["buried"]), keepsSecret: true)
        },
        other("delete a webhook") { try await $0.store.deleteWebhook("w") },
        other("test a webhook", changesJobs: true) { _ = try await $0.store.testWebhook("w") },
        other("register") { _ = try await $0.register() },
        other("restart") { try await $0.store.requestRestart() },
        other("begin an operation") { _ = try await $0.store.begin(NewOperation(.kick, JobSelection("q"))) },
        MovingVerb("import") { place in
            try await place.store.configure("r", QueueSettings(retention: .seconds(600)))
            let id = try await place.enqueue(in: "r")
            let jobs = try await MovingPlace.jobs(of: place.store)
            try await place.store.delete([id])
            return { _ = try await place.store.importJobs(jobs) }
        },
    ]
}
