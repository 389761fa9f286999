/// One design as one worker process runs it.
protocol Workload {
    /// Opens the file, calls `start`, which returns when the barrier fires, and works.
    func work(start: () throws -> StartBarrier) async throws -> WorkerReport
}

extension Assignment {
    /// Works until the time is up or nothing is left.
    func play(start: () throws -> StartBarrier) async throws -> WorkerReport {
        try await workload.work(start: start)
    }

    private var workload: any Workload {
        switch design {
        case .stint: StintWorkload(self)
        case .oneWorker: OneWorker(self)
        case .jobInTransaction: JobInTransaction(self)
        case .selectThenUpdate: SelectThenUpdate(self)
        case .ceiling: CeilingWorkload(self, enqueues: false)
        case .ceilingLife: CeilingWorkload(self, enqueues: true)
        case .stintExchange: ExchangeWorkload(self, enqueues: false)
        case .stintLife: ExchangeWorkload(self, enqueues: true)
        case .stintProducer: ProducerWorkload(self)
        case .stintEnqueues, .stintAcks: GroupWorkload(self)
        }
    }

    func deadline(_ barrier: StartBarrier) -> Int64 { barrier.nanoseconds + Int64(seconds * 1e9) }

    /// The job of the naive designs. It simulates a wait on the network: no CPU, no disk.
    func runJob(_ id: Int64, _ recorder: Recorder) {
        recorder.started(id)
        MonotonicClock.sleep(microseconds: jobMicroseconds)
        recorder.finished(id)
    }
}
