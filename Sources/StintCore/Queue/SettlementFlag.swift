import Synchronization

/// A flag that the handler's task sets and the worker reads.
package final class SettlementFlag: Sendable {
    private let value = Mutex(false)

    package init() {}
    package func set() { value.withLock { $0 = true } }
    package var isSet: Bool { value.withLock { $0 } }
}
