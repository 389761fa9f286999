import History

/// Builds a history with short calls. Each call to the store is invoked and answered at once, unless it is split.
struct HistoryBuilder {
    private(set) var events: [Event] = []
    private var calls = 0
    private var time: Int64 = 0
    /// Of the wall clock before the clock of the history, in milliseconds.
    private var wallOffset: Int64 = 0

    mutating func add(_ process: String, _ kind: EventKind) {
        time += 1_000_000
        events.append(Event(time: time, process: process, kind: kind))
    }

    mutating func wait(_ milliseconds: Int64) { time += milliseconds * 1_000_000 }

    mutating func setClock(ahead milliseconds: Int64) {
        wallOffset += milliseconds
        add("harness", .clockSet(wall: (time + 1_000_000) / 1_000_000 + wallOffset))
    }

    mutating func invoke(_ process: String, _ call: Call) -> Int {
        calls += 1
        add(process, .invoked(call: calls, call))
        return calls
    }

    mutating func call(_ process: String, _ call: Call, _ answer: Answer = .done) {
        let number = invoke(process, call)
        add(process, .returned(call: number, answer))
    }

    /// A call whose outcome is never known.
    mutating func callInVain(_ process: String, _ call: Call) {
        _ = invoke(process, call)
    }

    mutating func enqueue(
        _ reference: String, as job: Int64, key: String? = nil, duplicate: Bool = false, expires: Int64? = nil
    ) {
        call(
            "producer", .enqueue([.init(reference: reference, queue: "q", uniqueKey: key, expires: expires)]),
            .enqueued([.init(job: job, isDuplicate: duplicate)]))
    }

    /// A job with an idempotency key.
    func once(
        _ reference: String, _ key: String = "once", unique: String? = nil, conflict: Call.NewJob.Conflict? = nil,
        in queue: String = "q"
    ) -> Call {
        .enqueue([
            .init(
                reference: reference, queue: queue, uniqueKey: unique, conflict: conflict,
                idempotency: .init(key: key, wall: time / 1_000_000 + wallOffset))
        ])
    }

    mutating func put(_ call: Call, as job: Int64, duplicate: Bool = false) {
        self.call("producer", call, .enqueued([.init(job: job, isDuplicate: duplicate)]))
    }

    /// An event that a new digest or, if it has joined, one that is there has taken.
    mutating func collect(_ reference: String, as job: Int64, joined: Bool = false) {
        call(
            "producer", Self.event(reference),
            .enqueued([.init(job: job, isDuplicate: false, joined: joined ? true : nil)]))
    }

    static func event(_ reference: String, _ conflict: Call.NewJob.Conflict = .collect) -> Call {
        .enqueue([.init(reference: reference, queue: "q", uniqueKey: "k", conflict: conflict)])
    }

    /// A digest, from the claim to the ack.
    mutating func workDigest(_ process: String, _ job: Int64, token: Int64, _ events: [String]) {
        claim(process, job, token: token)
        add(process, .handedEvents(job: job, token: token, references: events))
        run(process, job, token: token)
        settle(process, job, token: token)
    }

    mutating func register(
        _ process: String, as worker: Int64, under supervisor: String? = nil, writesThroughSupervisor: Bool? = nil
    ) {
        add(process, .began(supervisor: supervisor))
        call(process, .register, .registered(worker: worker, writesThroughSupervisor: writesThroughSupervisor))
    }

    mutating func claim(
        _ process: String, _ job: Int64, token: Int64, attempt: Int = 1, deadline: Int64 = 1_000, boot: String = "b"
    ) {
        call(
            process, .exchange([], claim: .init(worker: nil, deadline: deadline, boot: boot)),
            .exchanged([], claimed: [claimed(job, token, attempt)]))
    }

    func claimed(_ job: Int64, _ token: Int64, _ attempt: Int = 1) -> Answer.Claimed {
        .init(
            lease: .init(job: job, token: token), queue: "q", attempt: attempt, maxAttempts: 3, runsAlone: false)
    }

    mutating func claim(_ process: String, _ job: Int64, token: Int64, at wall: Int64, expiring expiresAt: Int64) {
        var claimed = claimed(job, token)
        claimed.expiresAt = expiresAt
        call(
            process, .exchange([], claim: .init(worker: nil, deadline: 1_000, boot: "b", wall: wall)),
            .exchanged([], claimed: [claimed]))
    }

    mutating func start(_ process: String, _ job: Int64, token: Int64) {
        add(process, .handlerStarted(job: job, token: token))
    }

    mutating func run(_ process: String, _ job: Int64, token: Int64) {
        start(process, job, token: token)
        add(process, .handlerFinished(job: job, token: token))
    }

    mutating func settle(
        _ process: String, _ job: Int64, token: Int64, _ outcome: Call.Outcome = .ack, _ answer: Answer.Settled = .done
    ) {
        call(process, settlement(job, token, outcome), .exchanged([answer], claimed: []))
    }

    func settlement(_ job: Int64, _ token: Int64, _ outcome: Call.Outcome = .ack) -> Call {
        .exchange([.init(.init(job: job, token: token), outcome)], claim: nil)
    }

    mutating func reap(at monotonic: Int64, boot: String = "b") {
        call("reaper", .reap(monotonic: monotonic, boot: boot))
    }

    mutating func setSchedule(
        _ missed: Call.Schedule.Missed, at wall: Int64, isNew: Bool = true, every interval: Int64 = 1_000
    ) {
        call(
            "producer",
            .setSchedule(.init(name: "s", missed: missed, interval: interval), wall: wall),
            .scheduled(isNew: isNew, isReplaced: false))
    }

    mutating func tick(_ process: String = "reaper", at wall: Int64, complete: Bool = true) {
        call(process, .tick(wall: wall), .ticked(1, isComplete: complete))
    }

    /// From the claim to the ack.
    mutating func work(_ process: String, _ job: Int64, token: Int64) {
        claim(process, job, token: token)
        run(process, job, token: token)
        settle(process, job, token: token)
    }

    /// The rules that it breaks if these jobs are there in the end.
    func broken(_ jobs: FinalState.Job..., drained: Bool = true, busyTimeout: Duration? = nil) -> Set<Rule> {
        let final = FinalState(isDrained: drained, jobs: jobs)
        return Set(HistoryChecker(events, final, busyTimeout: busyTimeout).violations().map(\.rule))
    }
}

func job(
    _ id: Int64, _ reference: String, _ states: String..., attempts: Int = 0, crashes: Int = 0, key: String? = nil,
    events: [String]? = nil
) -> FinalState.Job {
    FinalState.Job(
        id: id, reference: reference, queue: "q", states: states, attempts: attempts, maxAttempts: 3, crashes: crashes,
        maxCrashes: 3, uniqueKey: key, events: events)
}
