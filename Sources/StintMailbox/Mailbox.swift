import Dispatch
import StintSMTP
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The mails that were caught, in memory. It has limits; the oldest mails go first.
package final class Mailbox: Sendable {
    package struct Limits: Sendable {
        package var mails = 1_000
        /// Of all mails together. Beside their own bytes each counts for 4 KiB and its recipients.
        package var bytes = 256 * 1_024 * 1_024

        package init() {}
    }

    /// What was received since the start.
    package struct Counts: Hashable, Sendable {
        package var received = 0
        /// Mails that went since others came.
        package var dropped = 0
        /// What is there now.
        package var mails = 0
        package var bytes = 0
    }

    /// A part of the list.
    package struct Page: Sendable {
        /// From the newest to the oldest.
        package let mails: [CaughtMail]
        /// How many mails fit, on all pages.
        package let count: Int
        /// For the next page; `nil`: this is the last one.
        package let next: Int?
    }

    /// Which mails are meant.
    package struct Query: Hashable, Sendable {
        /// The address of a recipient if it has an `@`, else a part of one; upper and lower case are the same. Empty: any.
        package var recipient = ""
        /// Only mails with a greater number: those that came later.
        package var after = 0

        package init(recipient: String = "", after: Int = 0) {
            self.recipient = recipient.lowercased()
            self.after = after
        }

        package func fits(_ mail: CaughtMail) -> Bool {
            guard mail.id > after else { return false }
            guard !recipient.isEmpty else { return true }
            let isWhole = recipient.contains("@")
            return mail.recipients.contains {
                let address = $0.lowercased()
                return isWhole ? address == recipient : address.contains(recipient)
            }
        }
    }

    private struct State {
        /// From the oldest to the newest.
        var mails: [CaughtMail] = []
        var counts = Counts()
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var lastListener = 0
    }

    package let limits: Limits
    package let reader: any MailReader
    /// Where mails are read, one after the other: it takes time, which a thread of Swift's tasks should not take.
    package let reading = DispatchQueue(label: "stint.mail.read")
    private let state = Mutex(State())

    package init(_ reader: any MailReader, limits: Limits = Limits()) {
        self.reader = reader
        self.limits = limits
    }

    /// Keeps a mail, and forgets old ones if there is no room.
    @discardableResult
    package func add(_ received: ReceivedMail, at time: Date = Date()) -> CaughtMail {
        let summary = reader.contents(of: received.bytes).summary
        let mail = change { state in
            state.counts.received += 1
            let mail = CaughtMail(
                id: state.counts.received, receivedAt: time, received: received, summary: summary)
            state.mails.append(mail)
            state.counts.bytes += mail.cost
            var count = 0
            // The newest one stays.
            while state.mails.count - count > 1,
                state.mails.count - count > limits.mails || state.counts.bytes > limits.bytes
            {
                state.counts.bytes -= state.mails[count].cost
                count += 1
            }
            state.mails.removeFirst(count)
            state.counts.dropped += count
            return mail
        }
        return mail
    }

    /// What the reader says of a mail.
    package func read<Value: Sendable>(_ body: @escaping @Sendable (any MailReader) -> Value) async -> Value {
        let reader = reader
        return await withCheckedContinuation { continuation in
            reading.async { continuation.resume(returning: body(reader)) }
        }
    }

    package var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.mails = state.mails.count
            return counts
        }
    }

    package func mail(_ id: Int) -> CaughtMail? {
        state.withLock { state in state.mails.first { $0.id == id } }
    }

    /// - Parameter before: Only mails with a smaller number.
    package func list(_ query: Query = Query(), before: Int? = nil, limit: Int = 50) -> Page {
        let fitting = state.withLock(\.mails).filter(query.fits)
        let rest = fitting.reversed().drop { $0.id >= before ?? .max }
        let mails = Array(rest.prefix(limit))
        return Page(mails: mails, count: fitting.count, next: rest.count > limit ? mails.last?.id : nil)
    }

    /// The oldest mail that fits.
    package func first(_ query: Query) -> CaughtMail? { state.withLock(\.mails).first(where: query.fits) }

    /// - Returns: Whether it was there.
    package func delete(_ id: Int) -> Bool {
        change { state in
            guard let place = state.mails.firstIndex(where: { $0.id == id }) else { return false }
            state.counts.bytes -= state.mails.remove(at: place).cost
            return true
        }
    }

    /// - Returns: How many there were.
    @discardableResult
    package func delete(_ query: Query = Query()) -> Int {
        change { state in
            let before = state.mails.count
            state.mails.removeAll(where: query.fits)
            state.counts.bytes = state.mails.reduce(0) { $0 + $1.cost }
            return before - state.mails.count
        }
    }

    // MARK: - Waiting

    /// Emits when there may be other mails than before. Several changes may come as one.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = continuation
            return state.lastListener
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.listeners[number] = nil }
        }
        return stream
    }

    /// Waits for a mail that fits, also one that is there already.
    ///
    /// - Returns: `nil` if none has come in this time, or the task was cancelled.
    package func wait(for query: Query, within time: Duration) async -> CaughtMail? {
        let changes = changes()
        if let mail = first(query) { return mail }
        return await withTaskGroup(of: CaughtMail?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await _ in changes { if let mail = self.first(query) { return mail } }
                return nil
            }
            group.addTask {
                // Cancelled when a mail has come.
                do { try await Task.sleep(for: time) } catch {}
                return nil
            }
            return await group.next() ?? nil
        }
    }

    private func change<Value: Sendable>(_ change: (inout State) -> Value) -> Value {
        let (value, listeners) = state.withLock { state in
            let value = change(&state)
            return (value, Array(state.listeners.values))
        }
        // Outside of the lock: what ends a stream takes it.
        for listener in listeners { listener.yield() }
        return value
    }
}
