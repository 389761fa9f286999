import Synchronization

/// What a handler has said of its job's end before it has ended itself. It is said once, by any thread, and stays said.
package final class HandlerSettlement: Sendable {
    private let settled = Atomic(false)
    private let leaving = Mutex<[NewJob]?>(nil)

    package init() {}

    /// The handler has settled the job itself; the worker then does not.
    package var isSet: Bool { settled.load(ordering: .acquiring) }
    package func set() { settled.store(true, ordering: .releasing) }

    /// The job is done, however the handler ends: the worker acknowledges it, and enqueues these jobs in the same transaction.
    /// `nil`: the handler's end decides.
    package var followUps: [NewJob]? { leaving.withLock(\.self) }
    package func finish(leaving jobs: [NewJob]) { leaving.withLock { $0 = jobs } }

    /// Whether the handler's end decides nothing any more.
    package var isDone: Bool { isSet || followUps != nil }
}
