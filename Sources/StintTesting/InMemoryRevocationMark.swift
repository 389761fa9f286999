import StintCore
import Synchronization

/// Changes whenever jobs are revoked from their holders.
final class InMemoryRevocationMark: RevocationMark {
    private let value = Atomic<UInt64>(0)

    func read() -> UInt64 { value.load(ordering: .acquiring) }

    func change() { value.add(1, ordering: .acquiringAndReleasing) }
}
