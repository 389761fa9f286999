import StintCore
import Testing

private func lease(_ job: Int64) -> Lease { Lease(job: JobID(rawValue: job), token: FencingToken(rawValue: job)) }

private func process(_ id: Int32, boot: String = "b") -> ProcessIdentity {
    ProcessIdentity(
        host: "h", boot: boot, namespaces: ProcessIdentity.current.namespaces, processID: id, startTime: 1)
}

/// A worker of a process, by default of one of its own.
private func worker(
    _ id: Int64, in process: ProcessIdentity? = nil, started: [Int64]? = [], liveness: Liveness = .dead,
    sign: String? = nil, supervisor: Liveness? = nil, hasOrderToStop: Bool = false
) -> WorkerRecord {
    let process = process ?? StintCoreTests.process(Int32(id))
    return WorkerRecord(
        id: WorkerID(rawValue: id),
        registration: WorkerRegistration(
            name: "h:\(process.processID)", process: process, supervisorSign: sign, queues: ["q"], concurrency: 8),
        registeredAt: 0, started: started?.map { StartedJob(lease: lease($0), startedAt: 1_000) },
        liveness: liveness, supervisorLiveness: supervisor, hasOrderToStop: hasOrderToStop)
}

@Suite("CrashEvidence: what of a job had been started")
struct CrashEvidenceTests {
    /// The jobs that each worker has started, `nil` if unknown; all are in processes of their own.
    @Test(
        "of job 1, held by worker 1",
        arguments: [
            // started by worker 1, by worker 2 (nil: no such worker), suspect, held only one job, start
            ([], nil, false, false, .notStarted),
            ([1], nil, false, false, .alone),
            ([1, 2], nil, false, false, .besideOthers),
            ([2], nil, false, false, .notStarted),
            // Processes that ended together are one cause.
            ([1], [3], false, false, .besideOthers),
            ([1], [], false, false, .alone),
            // A suspect runs alone in its process, so the others have not killed it.
            ([1], [3], true, false, .alone),
            ([1, 2], nil, true, false, .besideOthers),
            // Nothing is known of worker 1.
            (nil, nil, false, false, .notKnown),
            (nil, nil, false, true, .alone),
            (nil, nil, true, false, .alone),
            (nil, [3], false, false, .notKnown),
        ] as [([Int64]?, [Int64]?, Bool, Bool, CrashAttribution.Start)])
    func start(
        _ first: [Int64]?, _ second: [Int64]?, _ isSuspect: Bool, _ heldOne: Bool, _ start: CrashAttribution.Start
    ) {
        var workers = [worker(1, started: first)]
        if let second { workers.append(worker(2, started: second)) }
        let evidence = CrashEvidence(.diedByItself, of: workers, heldOne: heldOne)
        let found = evidence.start(of: lease(1), isSuspect: isSuspect, in: process(1))
        #expect(found.start == start)
        #expect((found.job != nil) == (first?.contains(1) == true))
    }

    @Test("workers of one process are one cause, and one of them that is unknown makes all of it unknown")
    func oneProcess() {
        let shared = process(7)
        func start(_ first: [Int64]?, _ second: [Int64]?) -> CrashAttribution.Start {
            let workers = [worker(1, in: shared, started: first), worker(2, in: shared, started: second)]
            return CrashEvidence(.diedByItself, of: workers).start(of: lease(1), isSuspect: false, in: shared).start
        }
        #expect(start([1], []) == .alone)
        #expect(start([1], [2]) == .besideOthers)
        #expect(start([1], nil) == .notKnown)
        #expect(start(nil, [2]) == .notKnown)
    }
}

@Suite("Endings: how workers ended")
struct WorkerEndTests {
    @Test(
        "from a report of their end",
        arguments: [
            // what is reported, whether a worker was ordered to stop, whether all are of the observer's boot
            (.died("was killed", nil), false, true, .diedByItself),
            (.died("was killed", nil), true, true, .stoppedByOrder),
            (.died("was killed", nil), false, false, .diedWithOthers),
            (.diedWithSupervisor, false, true, .diedWithOthers),
            (.diedWithMachine, false, true, .diedWithOthers),
            (.stopped, false, true, .stoppedByOrder),
            (.stopped, false, false, .stoppedByOrder),
        ] as [(WorkerEnd, Bool, Bool, CrashAttribution.Ending)])
    func reported(_ end: WorkerEnd, _ hasOrderToStop: Bool, _ isSameBoot: Bool, _ ending: CrashAttribution.Ending) {
        let second = worker(2, in: process(2, boot: isSameBoot ? "b" : "c"), hasOrderToStop: hasOrderToStop)
        #expect(CrashAttribution.Ending(end, of: [worker(1), second], boot: "b") == ending)
    }

    @Test("workers that ended together are one group; those whose supervisor lives are left to it")
    func groups() {
        let shared = process(9)
        let groups = DeadWorkers.groups(
            [
                worker(1), worker(2, in: shared), worker(3, in: shared), worker(4, liveness: .alive),
                worker(5, sign: "s", supervisor: .dead), worker(6, sign: "s", supervisor: .dead),
                worker(7, sign: "t", supervisor: .alive), worker(8, liveness: .unknown),
            ], boot: "b")
        #expect(groups.map { $0.workers.map(\.rawValue) } == [[1], [2, 3], [5, 6]])
        #expect(
            groups.map(\.end) == [
                .died("died; how is not known", nil), .died("died; how is not known", nil), .diedWithSupervisor,
            ])
    }

    @Test("an order to one of a group was an order to all")
    func ordered() {
        let shared = process(9)
        let workers = [worker(1, in: shared), worker(2, in: shared, hasOrderToStop: true)]
        let groups = DeadWorkers.groups(workers, boot: "b")
        #expect(groups.map(\.end) == [.stopped])
    }

    @Test(
        "what the history of a job says about it",
        arguments: [
            (.died("was killed by SIGKILL", nil), true, .crashed, "worker h:1 was killed by SIGKILL"),
            (.died("was killed by SIGKILL", nil), false, .lost, "worker h:1 was killed by SIGKILL"),
            (.diedWithSupervisor, false, .lost, "worker h:1 died, and so did its supervisor"),
            (
                .diedWithMachine, false, .lost,
                "worker h:1 died, and perhaps its machine or its container with it"
            ),
            (.stopped, false, .lost, "worker h:1 was stopped"),
        ] as [(WorkerEnd, Bool, JobFailure.Kind, String)])
    func texts(_ end: WorkerEnd, _ isBlamed: Bool, _ kind: JobFailure.Kind, _ error: String) {
        let lost = LostAttempt(end, of: worker(1), isBlamed: isBlamed)
        #expect(lost.kind == kind && lost.error == error)
    }

    @Test("how long the job ran is a part of its diagnostics, whatever a damaged file says")
    func runTime() {
        func ran(_ startedAt: Int64, _ now: Int64) -> Int64? {
            LostAttempt(.stopped, of: worker(1), isBlamed: false).ran(
                StartedJob(lease: lease(1), startedAt: startedAt),
                until: ClockReading(wall: 0, monotonic: now, boot: "b")
            ).diagnostics?.runTimeMilliseconds
        }
        #expect(ran(1_000, 3_500) == 2_500)
        #expect(ran(3_500, 1_000) == 0)
        #expect(ran(.min, .max) == nil)
    }

    @Test(
        "losses in a row are counted from the newest attempt on",
        arguments: [
            ([], 0), ([.lost], 1), ([.expired, .lost], 2), ([.crashed, .lost, .lost], 0), ([.lost, .failed, .lost], 1),
        ] as [([JobFailure.Kind], Int)])
    func losses(_ newestFirst: [JobFailure.Kind], _ count: Int) {
        #expect(newestFirst.lossesInARow == count)
    }
}
