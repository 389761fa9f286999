import Dispatch
import StintPlatform
import Synchronization

/// Waits until pipes and sockets can be read from or written to.
///
/// Dispatch sources would do this, but on Linux they use freed memory if pipes are opened and closed often
/// (github.com/swiftlang/swift-corelibs-libdispatch/issues/949): one in five short runs of a worker crashed.
final class DescriptorPoller: Sendable {
    static let shared = DescriptorPoller()

    enum Event: Sendable {
        case readable, writable
    }

    /// A pending call.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct Entry: Sendable {
        let descriptor: Int32
        let event: Event
        let queue: DispatchQueue
        /// Then `body` is short, and called on the poller's thread.
        let repeats: Bool
        let body: @Sendable () -> Void
    }

    private struct State {
        var entries: [Ticket: Entry] = [:]
        var lastNumber = 0
        var isRunning = false
        /// If it is missing, for lack of descriptors, the poller polls in intervals.
        var wakeUp: WakeUp?
    }

    private let state = Mutex(State())

    private init() {}

    /// Calls `body` on `queue` once, when the event occurs or the other end is closed. The call may come too early, so
    /// the descriptor must not block. Cancel the ticket before you close the descriptor.
    func once(
        _ event: Event, _ descriptor: Int32, on queue: DispatchQueue, _ body: @escaping @Sendable () -> Void
    ) -> Ticket {
        add(Entry(descriptor: descriptor, event: event, queue: queue, repeats: false, body: body))
    }

    /// The same whenever the event occurs, until the ticket is cancelled. `body`, and all else on the queue, is done at
    /// once: it is called on the poller's thread, and no other thread is woken. All other descriptors wait meanwhile.
    func whenever(
        _ event: Event, _ descriptor: Int32, on queue: DispatchQueue, _ body: @escaping @Sendable () -> Void
    ) -> Ticket {
        add(Entry(descriptor: descriptor, event: event, queue: queue, repeats: true, body: body))
    }

    private func add(_ entry: Entry) -> Ticket {
        let (ticket, isFirst, wakeUp) = state.withLock { state in
            state.lastNumber += 1
            let ticket = Ticket(number: state.lastNumber)
            state.entries[ticket] = entry
            defer { state.isRunning = true }
            return (ticket, !state.isRunning, state.wakeUp)
        }
        if isFirst { start() }
        wakeUp?.wake()
        return ticket
    }

    /// Prevents the call, unless it is on its queue already.
    func cancel(_ ticket: Ticket) {
        state.withLock { _ = $0.entries.removeValue(forKey: ticket) }
    }

    private func start() {
        do {
            try startLongLivedThread { while true { self.round(timeout: -1) } }
        } catch {
            // No thread is available: poll from time to time on an existing one.
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(10)) {
                self.round(timeout: 0)
                self.start()
            }
        }
    }

    /// Waits once, and schedules the calls whose events have occurred.
    private func round(timeout: Int32) {
        // A snapshot. A descriptor that is closed meanwhile costs one round at most, since its ticket is cancelled.
        let (waiting, wakeUp) = state.withLock { state in
            do { state.wakeUp = try state.wakeUp ?? WakeUp() } catch { state.wakeUp = nil }
            return (Array(state.entries), state.wakeUp)
        }
        var events = waiting.map { entry in
            pollfd(
                fd: entry.value.descriptor, events: Int16(entry.value.event == .readable ? POLLIN : POLLOUT), revents: 0
            )
        }
        if let wakeUp { events.append(wakeUp.event) }
        poll(&events, nfds_t(events.count), wakeUp == nil ? 10 : timeout)
        if let wakeUp, events.last?.revents != 0 { wakeUp.clear() }
        for (entry, event) in zip(waiting, events) where event.revents != 0 {
            let entry = state.withLock { state in
                entry.value.repeats ? state.entries[entry.key] : state.entries.removeValue(forKey: entry.key)
            }
            if let entry {
                if entry.repeats {
                    entry.queue.sync(execute: entry.body)
                } else {
                    entry.queue.async(execute: entry.body)
                }
            }
        }
    }
}
