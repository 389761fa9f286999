import Synchronization
import Testing

@testable import StintCore

@Suite("A suspect runs with nothing beside it in its process")
struct HandlerRoomTests {
    private final class Visitor: Sendable {
        private let count = Mutex(0)

        var id: ObjectIdentifier { ObjectIdentifier(self) }
        /// How often it was told that it may try again.
        var calls: Int { count.withLock { $0 } }

        func join(_ room: HandlerRoom) {
            room.join(id) { [self] in count.withLock { $0 += 1 } }
        }

        func enter(_ room: HandlerRoom, alone: Bool = false) -> Bool { room.enter(id, alone: alone) }
    }

    private let room = HandlerRoom()
    private let one = Visitor()
    private let other = Visitor()
    private let third = Visitor()

    init() {
        for visitor in [one, other, third] { visitor.join(room) }
    }

    @Test("any number runs at once where nobody must be alone")
    func together() {
        for _ in 0..<100 { #expect(one.enter(room) && other.enter(room)) }
        for _ in 0..<200 { room.leave() }
        #expect(one.calls == 0 && other.calls == 0, "nobody was refused, so nobody is woken")
        #expect(one.enter(room, alone: true))
    }

    @Test("alone means alone, also for the same visitor, and for other suspects")
    func alone() {
        #expect(one.enter(room, alone: true))
        for visitor in [one, other] {
            #expect(!visitor.enter(room))
            #expect(!visitor.enter(room, alone: true))
        }
        room.leave()
        #expect(other.enter(room, alone: true))
    }

    @Test("who is refused alone holds nobody up")
    func refused() {
        #expect(one.enter(room))
        #expect(!other.enter(room, alone: true))
        #expect(third.enter(room))
    }

    @Test("who is in line gets its turn: nobody new enters before it")
    func turn() {
        #expect(one.enter(room) && other.enter(room))
        room.getInLine(other.id)
        for visitor in [one, other, third] {
            #expect(!visitor.enter(room) && !visitor.enter(room, alone: true))
            #expect(room.outlook(for: visitor.id) == .closed)
        }
        room.leave()
        #expect(other.calls == 0, "one handler still runs")
        #expect(!other.enter(room, alone: true) && !third.enter(room))
        room.leave()
        #expect(other.calls == 1)
        #expect(!third.enter(room) && !third.enter(room, alone: true))
        #expect(room.outlook(for: third.id) == .closed && room.outlook(for: other.id) == .empty)
        #expect(!other.enter(room), "it has made room to be alone")
        #expect(other.enter(room, alone: true))
    }

    @Test("those in line get their turns in the order in which they came")
    func severalTurns() {
        #expect(one.enter(room))
        for visitor in [other, third, other] { room.getInLine(visitor.id) }
        room.leave()
        #expect(!third.enter(room, alone: true), "another came first")
        #expect(other.enter(room, alone: true))
        room.leave()
        #expect(!one.enter(room) && !other.enter(room, alone: true), "another is in line")
        #expect(third.enter(room, alone: true))
        room.leave()
        #expect(one.enter(room))
    }

    @Test("the outlook says what a visitor may do")
    func outlook() {
        func outlooks() -> [HandlerRoom.Outlook] { [one, other].map { room.outlook(for: $0.id) } }
        #expect(outlooks() == [.empty, .empty])
        #expect(one.enter(room))
        #expect(outlooks() == [.shared, .shared])
        room.leave()
        #expect(one.enter(room, alone: true))
        #expect(outlooks() == [.closed, .closed])
        room.leave()
        room.getInLine(one.id)
        #expect(outlooks() == [.empty, .closed])
        room.leaveLine(one.id)
        #expect(outlooks() == [.empty, .empty])
    }

    @Test("who watches is told when the room becomes empty, and not when others still are in it")
    func watch() {
        #expect(one.enter(room) && one.enter(room))
        room.watch(other.id, true)
        room.leave()
        #expect(other.calls == 0)
        room.leave()
        #expect(other.calls == 1)
        room.watch(other.id, false)
        #expect(one.enter(room))
        room.leave()
        #expect(other.calls == 1)
    }

    @Test("everybody is told when one that was alone leaves, and may enter again")
    func listeners() {
        #expect(one.enter(room, alone: true))
        #expect(!other.enter(room))
        room.leave()
        #expect([one, other, third].map(\.calls) == [1, 1, 1])
        #expect(other.enter(room) && third.enter(room))
    }

    @Test("who leaves the line frees the others, and tells them")
    func leaveLine() {
        #expect(one.enter(room))
        room.getInLine(other.id)
        #expect(!third.enter(room))
        room.leaveLine(other.id)
        #expect(third.calls == 1)
        #expect(third.enter(room))
        room.leaveLine(other.id)
        #expect(third.calls == 1, "it was in no line any more, so nothing has changed")
    }

    @Test("who parts while it is in line frees the others, and is told nothing more")
    func part() {
        #expect(one.enter(room))
        room.getInLine(other.id)
        room.watch(other.id, true)
        room.part(other.id)
        #expect(third.calls == 1 && other.calls == 0)
        #expect(third.enter(room))
        room.leave()
        room.leave()
        #expect(one.calls == 1, "nobody watches or is in line")
        #expect(one.enter(room, alone: true))
        room.leave()
        #expect(other.calls == 0 && one.calls == 2)
    }

    @Test("a listener may enter at once, from within its call")
    func reentrant() {
        let room = HandlerRoom()
        let entered = Mutex(false)
        let visitor = Visitor()
        room.join(visitor.id) { [room] in
            let mayEnter = room.enter(visitor.id, alone: false)
            entered.withLock { $0 = mayEnter }
        }
        #expect(one.enter(room, alone: true))
        room.leave()
        #expect(entered.withLock { $0 })
    }

    @Test("who came first is woken up first")
    func order() {
        let woken = Mutex<[Int]>([])
        let room = HandlerRoom()
        // Their places in memory, which the order must not depend on, are by chance.
        let visitors = (0..<50).map { _ in Visitor() }
        for (number, visitor) in visitors.enumerated() {
            room.join(visitor.id) { woken.withLock { $0.append(number) } }
        }
        #expect(room.enter(visitors[0].id, alone: true))
        room.part(visitors[20].id)
        room.leave()
        #expect(woken.withLock { $0 } == Array(0..<20) + Array(21..<50))
    }
}
