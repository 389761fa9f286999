import StintCore
import Testing

private func lease(_ job: Int64) -> Lease { Lease(job: JobID(rawValue: job), token: FencingToken(rawValue: job)) }

private func process(_ id: Int64) -> WorkerProcess { WorkerProcess(name: "h:\(id)", id: "process \(id)") }

/// A worker of a process, by default of one of its own.
private func worker(
    _ id: Int64, in process: WorkerProcess? = nil, started: [Int64]? = [], liveness: Liveness = .dead,
    host: Liveness = .alive, sign: String? = nil, supervisor: Liveness? = nil, hasOrderToStop: Bool = false
) -> WorkerRecord {
    let process = process ?? StintCoreTests.process(id)
    return WorkerRecord(
        id: WorkerID(rawValue: id),
        registration: WorkerRegistration(
            name: process.name, process: process, supervisorSign: sign, queues: ["q"], concurrency: 8),
        registeredAt: 0, started: started?.map { StartedJob(lease: lease($0), runTime: .seconds(1)) },
        liveness: liveness, hostLiveness: host, supervisorLiveness: supervisor, hasOrderToStop: hasOrderToStop)
}

@Suite("CrashEvidence: what of a job had been started")
struct CrashEvidenceTests {
    /// The jobs that each worker has started, `nil` if unknown; all are in processes of their own.
    @Test(
        "of job 1, held by worker 1",
        arguments: [
            // started by worker 1, by worker 2 (nil: no such worker), suspect, start
            ([], nil, false, .notStarted),
            ([1], nil, false, .alone),
            ([1, 2], nil, false, .besideOthers),
            ([2], nil, false, .notStarted),
            // Processes that ended together are one cause.
            ([1], [3], false, .besideOthers),
            ([1], [], false, .alone),
            // A suspect runs alone in its process, so the others have not killed it.
            ([1], [3], true, .alone),
            ([1, 2], nil, true, .besideOthers),
            // Nothing is known of worker 1.
            (nil, nil, false, .notKnown),
            (nil, nil, true, .notKnown),
            (nil, [3], false, .notKnown),
        ] as [([Int64]?, [Int64]?, Bool, CrashAttribution.Start)])
    func start(_ first: [Int64]?, _ second: [Int64]?, _ isSuspect: Bool, _ start: CrashAttribution.Start) {
        var workers = [worker(1, started: first)]
        if let second { workers.append(worker(2, started: second)) }
        let evidence = CrashEvidence(.diedByItself, of: workers)
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

@Suite("CrashEvidence: of a lease that ran out")
struct ExpiryEvidenceTests {
    private let shared = process(9)

    private func ending(_ holder: WorkerRecord?, _ others: WorkerRecord...) -> CrashAttribution.Ending {
        CrashEvidence(ofExpiredLeaseOf: holder, among: others + [holder].compactMap(\.self)).ending
    }

    @Test("an order to another worker of the dead process was an order to the holder")
    func ordered() {
        let holder = worker(1, in: shared, started: [1])
        #expect(ending(holder) == .diedByItself)
        #expect(ending(holder, worker(2, in: shared, hasOrderToStop: true)) == .stoppedByOrder)
        #expect(ending(holder, worker(2, hasOrderToStop: true)) == .diedByItself)
        // Of a container with the same process ids.
        #expect(ending(holder, worker(2, in: shared, liveness: .alive, hasOrderToStop: true)) == .diedByItself)
    }

    @Test("a holder that may live, or whose supervisor does, or that is not known, has not ended")
    func ranOut() {
        #expect(ending(nil, worker(2)) == .leaseRanOut)
        #expect(ending(worker(1, sign: "s", supervisor: .alive)) == .leaseRanOut)
        for liveness in [Liveness.alive, .unknown] {
            let holder = worker(1, in: shared, liveness: liveness)
            #expect(ending(holder, worker(2, in: shared, hasOrderToStop: true)) == .leaseRanOut)
        }
    }

    @Test("what the other workers of the process had started counts")
    func company() {
        let holder = worker(1, in: shared, started: [1])
        func start(_ others: WorkerRecord...) -> CrashAttribution.Start {
            CrashEvidence(ofExpiredLeaseOf: holder, among: others + [holder])
                .start(of: lease(1), isSuspect: false, in: shared).start
        }
        #expect(start() == .alone)
        #expect(start(worker(2, in: shared, started: [2])) == .besideOthers)
        #expect(start(worker(2, in: shared, started: [2], liveness: .alive)) == .alone)
        #expect(start(worker(2, started: [2])) == .alone)
    }
}

@Suite("Endings: how workers ended")
struct WorkerEndTests {
    @Test(
        "from a report of their end",
        arguments: [
            // what is reported, whether a worker was ordered to stop, whether its host goes on
            (.died("was killed", nil), false, .alive, .diedByItself),
            (.died("was killed", nil), false, .unknown, .diedByItself),
            (.died("was killed", nil), true, .alive, .stoppedByOrder),
            (.died("was killed", nil), false, .dead, .diedWithOthers),
            (.diedWithSupervisor, false, .alive, .diedWithOthers),
            (.diedWithMachine, false, .alive, .diedWithOthers),
            (.stopped, false, .alive, .stoppedByOrder),
            (.stopped, false, .dead, .stoppedByOrder),
        ] as [(WorkerEnd, Bool, Liveness, CrashAttribution.Ending)])
    func reported(_ end: WorkerEnd, _ hasOrderToStop: Bool, _ host: Liveness, _ ending: CrashAttribution.Ending) {
        let second = worker(2, host: host, hasOrderToStop: hasOrderToStop)
        #expect(CrashAttribution.Ending(end, of: [worker(1), second]) == ending)
    }

    @Test("workers that ended together are one group; those whose supervisor lives are left to it")
    func groups() {
        let shared = process(9)
        let groups = DeadWorkers.groups(
            [
                worker(1), worker(2, in: shared), worker(3, in: shared), worker(4, liveness: .alive),
                worker(5, sign: "s", supervisor: .dead), worker(6, sign: "s", supervisor: .dead),
                worker(7, sign: "t", supervisor: .alive), worker(8, liveness: .unknown),
            ])
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
        let groups = DeadWorkers.groups(workers)
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

    @Test("how long the job ran is a part of its diagnostics, if that is known")
    func runTime() {
        func ran(_ time: Duration?) -> AttemptDiagnostics? {
            LostAttempt(.stopped, of: worker(1), isBlamed: false).ran(StartedJob(lease: lease(1), runTime: time))
                .diagnostics
        }
        #expect(ran(.milliseconds(2_500)) == AttemptDiagnostics(runTimeMilliseconds: 2_500))
        #expect(ran(.milliseconds(-1)) == AttemptDiagnostics(runTimeMilliseconds: 0))
        #expect(ran(nil) == nil)
    }

    @Test(
        "losses in a row are counted from the newest attempt on",
        arguments: [
            ([], 0), ([.lost], 1), ([.expired, .lost], 2), ([.crashed, .lost, .lost], 0), ([.lost, .failed, .lost], 1),
        ] as [([JobFailure.Kind], Int)])
    func losses(_ newestFirst: [JobFailure.Kind], _ count: Int) {
        #expect(CrashAttribution.lossesInARow(newestFirst) == count)
    }
}
