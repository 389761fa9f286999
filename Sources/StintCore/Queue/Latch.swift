import Synchronization

/// A flag that is set once, by any thread, and stays set.
package final class Latch: Sendable {
    private let value = Atomic(false)

    package init() {}
    package func set() { value.store(true, ordering: .releasing) }
    package var isSet: Bool { value.load(ordering: .acquiring) }
}
