import Synchronization
import Testing

@testable import StintCore

@Suite("A suspect runs with nothing beside it in its process")
struct ExclusiveRunLockTests {
    private final class Participant: Sendable {
        private let count = Mutex(0)

        var id: ObjectIdentifier { ObjectIdentifier(self) }
        /// How often it was notified that it may try again.
        var calls: Int { count.withLock { $0 } }

        func register(_ runLock: ExclusiveRunLock) {
            runLock.register(id) { [self] in count.withLock { $0 += 1 } }
        }

        func begin(_ runLock: ExclusiveRunLock, alone: Bool = false) -> Bool { runLock.begin(id, alone: alone) }
    }

    private let runLock = ExclusiveRunLock()
    private let one = Participant()
    private let other = Participant()
    private let third = Participant()

    init() {
        for visitor in [one, other, third] { visitor.register(runLock) }
    }

    @Test("any number of handlers run at once if none must be alone")
    func together() {
        for _ in 0..<100 { #expect(one.begin(runLock) && other.begin(runLock)) }
        for _ in 0..<200 { runLock.end() }
        #expect(one.calls == 0 && other.calls == 0, "none was refused, so none is woken")
        #expect(one.begin(runLock, alone: true))
    }

    @Test("alone means alone, also for the same visitor, and for other suspects")
    func alone() {
        #expect(one.begin(runLock, alone: true))
        for visitor in [one, other] {
            #expect(!visitor.begin(runLock))
            #expect(!visitor.begin(runLock, alone: true))
        }
        runLock.end()
        #expect(other.begin(runLock, alone: true))
    }

    @Test("a participant that may not run alone yet does not delay others")
    func refused() {
        #expect(one.begin(runLock))
        #expect(!other.begin(runLock, alone: true))
        #expect(third.begin(runLock))
    }

    @Test("a participant in line gets its turn: no other begins before it")
    func turn() {
        #expect(one.begin(runLock) && other.begin(runLock))
        runLock.waitForExclusive(other.id)
        for visitor in [one, other, third] {
            #expect(!visitor.begin(runLock) && !visitor.begin(runLock, alone: true))
            #expect(runLock.outlook(for: visitor.id) == .closed)
        }
        runLock.end()
        #expect(other.calls == 0, "one handler still runs")
        #expect(!other.begin(runLock, alone: true) && !third.begin(runLock))
        runLock.end()
        #expect(other.calls == 1)
        #expect(!third.begin(runLock) && !third.begin(runLock, alone: true))
        #expect(runLock.outlook(for: third.id) == .closed && runLock.outlook(for: other.id) == .empty)
        #expect(!other.begin(runLock), "it has made runLock to be alone")
        #expect(other.begin(runLock, alone: true))
    }

    @Test("those in line get their turns in the order in which they came")
    func severalTurns() {
        #expect(one.begin(runLock))
        for visitor in [other, third, other] { runLock.waitForExclusive(visitor.id) }
        runLock.end()
        #expect(!third.begin(runLock, alone: true), "another came first")
        #expect(other.begin(runLock, alone: true))
        runLock.end()
        #expect(!one.begin(runLock) && !other.begin(runLock, alone: true), "another is in line")
        #expect(third.begin(runLock, alone: true))
        runLock.end()
        #expect(one.begin(runLock))
    }

    @Test("the outlook shows what a participant may do")
    func outlook() {
        func outlooks() -> [ExclusiveRunLock.Outlook] { [one, other].map { runLock.outlook(for: $0.id) } }
        #expect(outlooks() == [.empty, .empty])
        #expect(one.begin(runLock))
        #expect(outlooks() == [.shared, .shared])
        runLock.end()
        #expect(one.begin(runLock, alone: true))
        #expect(outlooks() == [.closed, .closed])
        runLock.end()
        runLock.waitForExclusive(one.id)
        #expect(outlooks() == [.empty, .closed])
        runLock.stopWaiting(one.id)
        #expect(outlooks() == [.empty, .empty])
    }

    @Test("who watches is told when the runLock becomes empty, and not when others still are in it")
    func watch() {
        #expect(one.begin(runLock) && one.begin(runLock))
        runLock.watch(other.id, true)
        runLock.end()
        #expect(other.calls == 0)
        runLock.end()
        #expect(other.calls == 1)
        runLock.watch(other.id, false)
        #expect(one.begin(runLock))
        runLock.end()
        #expect(other.calls == 1)
    }

    @Test("all are woken when an exclusive run ends, and may begin again")
    func listeners() {
        #expect(one.begin(runLock, alone: true))
        #expect(!other.begin(runLock))
        runLock.end()
        #expect([one, other, third].map(\.calls) == [1, 1, 1])
        #expect(other.begin(runLock) && third.begin(runLock))
    }

    @Test("leaving the line frees the others and wakes them")
    func stopWaiting() {
        #expect(one.begin(runLock))
        runLock.waitForExclusive(other.id)
        #expect(!third.begin(runLock))
        runLock.stopWaiting(other.id)
        #expect(third.calls == 1)
        #expect(third.begin(runLock))
        runLock.stopWaiting(other.id)
        #expect(third.calls == 1, "it was in no line any more, so nothing has changed")
    }

    @Test("who parts while it is in line frees the others, and is told nothing more")
    func unregister() {
        #expect(one.begin(runLock))
        runLock.waitForExclusive(other.id)
        runLock.watch(other.id, true)
        runLock.unregister(other.id)
        #expect(third.calls == 1 && other.calls == 0)
        #expect(third.begin(runLock))
        runLock.end()
        runLock.end()
        #expect(one.calls == 1, "none watches or is in line")
        #expect(one.begin(runLock, alone: true))
        runLock.end()
        #expect(other.calls == 0 && one.calls == 2)
    }

    @Test("a listener may enter at once, from within its call")
    func reentrant() {
        let runLock = ExclusiveRunLock()
        let entered = Mutex(false)
        let visitor = Participant()
        runLock.register(visitor.id) { [runLock] in
            let mayEnter = runLock.begin(visitor.id, alone: false)
            entered.withLock { $0 = mayEnter }
        }
        #expect(one.begin(runLock, alone: true))
        runLock.end()
        #expect(entered.withLock { $0 })
    }

    @Test("who came first is woken up first")
    func order() {
        let woken = Mutex<[Int]>([])
        let runLock = ExclusiveRunLock()
        // Their places in memory, on which the order must not depend, are random.
        let visitors = (0..<50).map { _ in Participant() }
        for (number, visitor) in visitors.enumerated() {
            runLock.register(visitor.id) { woken.withLock { $0.append(number) } }
        }
        #expect(runLock.begin(visitors[0].id, alone: true))
        runLock.unregister(visitors[20].id)
        runLock.end()
        #expect(woken.withLock { $0 } == Array(0..<20) + Array(21..<50))
    }
}
