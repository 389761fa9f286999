import StintCore
import Synchronization

/// A store in memory, for tests: fast, with nothing on disk, and with a clock that the test moves.
///
/// It follows the same rules as the SQLite store and passes the same scenarios, except for what needs a disk or other
/// processes: nothing survives the process, and a worker dies only if the test simulates that.
public final class InMemoryStore: JobStore {
    let state: Mutex<InMemoryState>
    private let listeners = Mutex(Listeners())
    /// Shared by all workers of this store, like those of one process.
    let runLock = ExclusiveRunLock()
    let revocations = ProcessRevocationMark()
    let now: @Sendable () -> StoreTime
    private let moveClock: @Sendable (Duration) -> Void

    typealias Condition = @Sendable (InMemoryState, StoreTime) -> Bool

    private struct Listeners {
        var next = 0
        var wakeUps: [Int: (queues: [QueueName], continuation: AsyncStream<NextReady>.Continuation)] = [:]
        var tickChanges: [Int: AsyncStream<Void>.Continuation] = [:]
        var changes: [Int: AsyncStream<Void>.Continuation] = [:]
        var idle: [(isIdle: Condition, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let isClosed = Atomic(false)

    /// - Parameter clock: Move it with ``StintCore/JobQueue/advance(by:)``.
    public convenience init(clock: ManualClock = ManualClock()) {
        self.init {
            clock.now
        } moveClock: {
            clock.advance(by: $0)
        }
    }

    /// - Parameter provesDeaths: `false`: like a store whose workers are on other machines, it does not know which of
    ///   them live.
    init(
        provesDeaths: Bool = true, now: @escaping @Sendable () -> StoreTime,
        moveClock: @escaping @Sendable (Duration) -> Void
    ) {
        self.now = now
        self.moveClock = moveClock
        state = Mutex(InMemoryState(provesDeaths: provesDeaths))
    }

    // MARK: - Time

    /// Moves the clock: delayed jobs become due, leases end.
    public func advance(by duration: Duration) {
        moveClock(duration)
        wakeUp()
        wakeTickers()
    }

    /// Moves the clock instead of waiting.
    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        advance(by: duration)
    }

    // MARK: - Changing

    /// Runs a change, all or nothing: a change that throws has checked everything before its first step.
    @discardableResult
    func change<Value>(_ verb: (inout InMemoryState, StoreTime) throws -> sending Value) rethrows -> Value {
        let now = now()
        let (value, wakes, revokes) = try state.withLock { state in
            (state.wakes, state.revokes) = (false, false)
            let value = try verb(&state, now)
            return (value, state.wakes, state.revokes)
        }
        if revokes { revocations.change() }
        if wakes { wakeUp() }
        for listener in listeners.withLock({ Array($0.changes.values) }) { listener.yield() }
        resumeIdle()
        return value
    }

    // MARK: - Closing

    /// A verb that changes something; see ``close()``.
    @discardableResult
    func verb<Value>(_ verb: (inout InMemoryState, StoreTime) throws -> sending Value) throws -> Value {
        try checkStillThere()
        return try change(verb)
    }

    /// A verb that reads.
    func look<Value>(_ body: (InMemoryState) throws -> sending Value) throws -> Value {
        try checkStillThere()
        return try read(body)
    }

    public func checkStillThere() throws {
        if isClosed.load(ordering: .acquiring) { throw StintError.closed("the queue in memory") }
    }

    public func close() async {
        isClosed.store(true, ordering: .releasing)
        revocations.end()
        let (waiting, ticking) = listeners.withLock { listeners in
            defer { (listeners.wakeUps, listeners.tickChanges, listeners.changes) = ([:], [:], [:]) }
            return (
                Array(listeners.wakeUps.values), Array(listeners.tickChanges.values) + Array(listeners.changes.values)
            )
        }
        for (_, continuation) in waiting { continuation.finish() }
        for continuation in ticking { continuation.finish() }
    }

    // MARK: - Access

    func read<Value>(_ body: (InMemoryState) throws -> sending Value) rethrows -> Value {
        try state.withLock { try body($0) }
    }

    // MARK: - Waiting

    public func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        guard !isClosed.load(ordering: .acquiring) else {
            continuation.finish()
            return stream
        }
        let number = listeners.withLock { listeners in
            listeners.next += 1
            listeners.wakeUps[listeners.next] = (queues, continuation)
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.wakeUps.removeValue(forKey: number) }
        }
        return stream
    }

    public func scheduleChanges() -> AsyncStream<Void> { signals(\.tickChanges) }

    public func changes() -> AsyncStream<Void> { signals(\.changes) }

    private func signals(
        _ kind: WritableKeyPath<Listeners, [Int: AsyncStream<Void>.Continuation]> & Sendable
    ) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        guard !isClosed.load(ordering: .acquiring) else {
            continuation.finish()
            return stream
        }
        let number = listeners.withLock { listeners in
            listeners.next += 1
            listeners[keyPath: kind][listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0[keyPath: kind].removeValue(forKey: number) }
        }
        return stream
    }

    /// Schedules were changed, or time has passed.
    func wakeTickers() {
        for continuation in listeners.withLock({ Array($0.tickChanges.values) }) { continuation.yield() }
    }

    /// Sends the current `nextReady` to waiting workers.
    func wakeUp() {
        let now = now()
        for (queues, continuation) in listeners.withLock({ Array($0.wakeUps.values) }) {
            let next = read { $0.nextReady(in: queues, passingOverSuspects: false, now) }
            if next != .unknown { continuation.yield(next) }
        }
    }

    /// Waits until the condition holds.
    func wait(until isIdle: @escaping Condition) async {
        await withCheckedContinuation { continuation in
            listeners.withLock { $0.idle.append((isIdle, continuation)) }
            resumeIdle()
        }
    }

    /// Resumes those whose condition holds now.
    func resumeIdle() {
        let now = now()
        let ready = listeners.withLock { listeners in
            let split = listeners.idle.map { waiting in (waiting, read { waiting.isIdle($0, now) }) }
            listeners.idle = split.filter { !$0.1 }.map(\.0)
            return split.filter(\.1).map(\.0.continuation)
        }
        for continuation in ready { continuation.resume() }
    }
}
