import StintCore
import Testing

@testable import StintWorker

@Suite("A reap that has spared leases")
struct SecondLookTests {
    @Test("waits once for the second look, also if it is seconds away, but not in a reaper that comes again by itself")
    func waits() async throws {
        try await withQueue { queue in
            for nextLook in [SecondLook.delay, .seconds(4)] {
                let waits = Log<Duration>()
                var store = InterposedStore(base: queue.store)
                store.changeReport = { report in
                    var changed = report
                    (changed.spared, changed.nextLook) = (1, nextLook)
                    return changed
                }
                store.insteadOfSleep = { waits.append($0) }
                let afterwards = nextLook + .milliseconds(50)
                _ = try await JobQueue(store: store).reap()
                #expect(waits.all == [afterwards])
                _ = try await store.reapAll()
                #expect(waits.all == (nextLook == SecondLook.delay ? [afterwards, afterwards] : [afterwards]))
            }
        }
    }
}
