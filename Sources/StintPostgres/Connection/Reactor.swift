import CStint
import StintCore
import StintPlatform
import Synchronization

/// The one thread that serves the connections of all ``ConnectionPool``s of this process: it waits for their sockets with
/// poll(2), and it is the executor of the pools, which are actors. So nothing of libpq needs a lock, and nothing blocks
/// one of Swift's cooperative threads.
///
/// A process has a handful of sockets here, so poll(2) costs no more than epoll(7), knows no descriptor that libpq has
/// closed meanwhile, and is on all systems.
final class Reactor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var pools: [ObjectIdentifier: ConnectionPool] = [:]
        /// Whether the thread is about to look at the jobs, so that there is no need to wake it.
        var isAwake = false
    }

    private let state = Mutex(State())
    private let thread = Atomic<UInt>(0)
    private let wakeUp: (readEnd: Int32, writeEnd: Int32)

    private static let started = Mutex<Reactor?>(nil)

    /// - Throws: ``StintError`` with the code `processFailed` if the system refuses a pipe or a thread.
    static func shared() throws(StintError) -> Reactor {
        try started.withLock { started throws(StintError) in
            if let started { return started }
            let reactor = try Reactor()
            started = reactor
            return reactor
        }
    }

    private init() throws(StintError) {
        var ends: [Int32] = [-1, -1]
        guard stint_pipe(&ends) == 0 else {
            throw StintError(
                .processFailed, "a pipe cannot be created (\(systemError())): raise the limit of open files")
        }
        for end in ends { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
        wakeUp = (ends[0], ends[1])
        do {
            try LongLivedThread.start { [self] in
                thread.store(Self.currentThread, ordering: .releasing)
                while true { round() }
            }
        } catch {
            close(ends[0])
            close(ends[1])
            throw StintError(
                .processFailed,
                "a thread cannot be created (\(systemError(error.rawValue))): raise the limit of threads")
        }
    }

    // MARK: - The executor

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = state.withLock { state in
            state.jobs.append(job)
            defer { state.isAwake = true }
            return !state.isAwake
        }
        if mustWake { wake() }
    }

    func checkIsolated() {
        precondition(
            thread.load(ordering: .acquiring) == Self.currentThread, "only on the thread of PostgreSQL's sockets")
    }

    private static var currentThread: UInt { number(pthread_self()) }

    /// A thread is a number or a pointer, depending on the C library.
    private static func number<Thread>(_ thread: Thread) -> UInt { unsafeBitCast(thread, to: UInt.self) }

    // MARK: - The sockets

    /// Serves a pool, from now until it is removed.
    func add(_ pool: ConnectionPool) { state.withLock { $0.pools[ObjectIdentifier(pool)] = pool } }

    func remove(_ pool: ConnectionPool) { state.withLock { _ = $0.pools.removeValue(forKey: ObjectIdentifier(pool)) } }

    private func wake() {
        var byte: UInt8 = 1
        // A full pipe wakes the thread too.
        _ = write(wakeUp.writeEnd, &byte, 1)
    }

    private func round() {
        let jobs = state.withLock { state in
            state.isAwake = true
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }

        let pools = state.withLock { Array($0.pools.values) }
        var descriptors: [pollfd] = [pollfd(fd: wakeUp.readEnd, events: Int16(POLLIN), revents: 0)]
        var counts: [Int] = []
        var deadline: ContinuousClock.Instant?
        for pool in pools {
            let awaited = pool.assumeIsolated { $0.awaited() }
            descriptors += awaited.descriptors
            counts.append(awaited.descriptors.count)
            deadline = [deadline, awaited.deadline].compactMap { $0 }.min()
        }
        // From here on, new jobs wake the thread.
        let isIdle = state.withLock { state in
            state.isAwake = !state.jobs.isEmpty
            return state.jobs.isEmpty
        }
        poll(&descriptors, nfds_t(descriptors.count), isIdle ? Self.milliseconds(until: deadline) : 0)

        if descriptors[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 256)
            _ = read(wakeUp.readEnd, &bytes, bytes.count)
        }
        var start = 1
        for (pool, count) in zip(pools, counts) {
            let events = Array(descriptors[start..<start + count])
            start += count
            pool.assumeIsolated { $0.handle(events) }
        }
    }

    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = deadline - .now
        // Rounded up, or the thread would turn in circles for the last part of a millisecond.
        return left <= .zero ? 0 : Int32(clamping: left.milliseconds + 1)
    }
}
