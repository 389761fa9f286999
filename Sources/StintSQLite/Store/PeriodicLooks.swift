import Dispatch
import Foundation
import StintCore
import StintPlatform
import Synchronization

/// Looks into the store at an interval, for callers that have nothing to do most of the time, and emits only if there may
/// be something.
///
/// Each stream has a thread of its own, which does the whole look: it wakes no other thread if there is nothing to do. A
/// reap by way of Swift's tasks wakes seven: the timer's, those of two connections, and a task's thread around each.
final class PeriodicLooks: Sendable {
    /// It emits at least this often, whatever the looks find.
    private static let longestSilence: Duration = .seconds(60)

    private let stops = Mutex<[ObjectIdentifier: StopPipe]>([:])
    /// Entered while a thread exists.
    private let threads = DispatchGroup()

    deinit { stopAll() }

    /// - Parameter mayFindSomething: The look. It blocks, and is called on the thread. If it throws, the stream emits:
    ///   the caller's own look gets the error too, and can report it.
    /// - Throws: If the process has no descriptors left.
    func signals(
        every interval: Duration, _ mayFindSomething: @escaping @Sendable () throws -> Bool
    ) throws -> AsyncStream<Void> {
        let stop = try StopPipe()
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = ObjectIdentifier(stop)
        stops.withLock { $0[id] = stop }
        continuation.onTermination = { [weak self] _ in self?.stops.withLock { $0.removeValue(forKey: id) }?.stop() }
        threads.enter()
        Thread.detachNewThread { [threads] in
            Self.look(every: interval, until: stop, mayFindSomething) { continuation.yield() }
            continuation.finish()
            threads.leave()
        }
        return stream
    }

    private static func look(
        every interval: Duration, until stop: StopPipe, _ mayFindSomething: () throws -> Bool, emit: () -> Void
    ) {
        var lastSignal = ContinuousClock.now
        while true {
            var event = pollfd(fd: stop.readEnd, events: Int16(POLLIN), revents: 0)
            let count = poll(&event, 1, Int32(clamping: MachineClock.untilNext(interval).milliseconds))
            if count > 0 || count < 0 && errno != EINTR { return }
            let isNeeded: Bool
            do { isNeeded = try mayFindSomething() } catch { isNeeded = true }
            guard isNeeded || ContinuousClock.now - lastSignal >= longestSilence else { continue }
            lastSignal = .now
            emit()
        }
    }

    private func stopAll() {
        let all = stops.withLock { stops in
            defer { stops = [:] }
            return Array(stops.values)
        }
        for stop in all { stop.stop() }
    }

    /// Ends all streams, and waits until their threads have ended.
    func close() async {
        stopAll()
        await withCheckedContinuation { continuation in
            threads.notify(queue: .global()) { continuation.resume() }
        }
    }
}
