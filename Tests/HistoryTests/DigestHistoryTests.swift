import History
import Testing

@Suite("The checker of histories, on digests and replaced jobs")
struct DigestHistoryTests {
    /// Three events in a digest, and one that came while it ran, in the next.
    private func sound() -> HistoryBuilder {
        var history = HistoryBuilder()
        history.collect("a", as: 1)
        history.collect("b", as: 1, joined: true)
        history.collect("c", as: 1, joined: true)
        history.workDigest("w", 1, token: 1, ["a", "b", "c"])
        history.collect("d", as: 2)
        history.workDigest("w", 2, token: 2, ["d"])
        return history
    }

    private let first = job(1, "a", "done", events: ["a", "b", "c"])
    private let second = job(2, "d", "done", events: ["d"])

    @Test("has nothing to say if each event is in one digest")
    func nothing() {
        #expect(sound().broken(first, second) == [])
    }

    @Test("misses an event that is in no digest, in another than its enqueue said, in two, or twice in one")
    func presence() {
        let history = sound()
        #expect(history.broken(job(1, "a", "done", events: ["a", "b"]), second).contains(.lostJob))
        #expect(history.broken(first).contains(.lostJob))
        let moved = history.broken(
            job(1, "a", "done", events: ["a", "b"]), job(2, "d", "done", events: ["d", "c"]))
        #expect(moved.contains(.lostJob))
        #expect(history.broken(first, job(2, "d", "done", events: ["d", "c"])).contains(.doubledJob))
        #expect(history.broken(job(1, "a", "done", events: ["a", "b", "b", "c"]), second).contains(.doubledJob))
        #expect(history.broken(job(1, "a", "done", events: ["a", "b", "c", "x"]), second).contains(.unknownJob))
    }

    @Test("misses an event that the acknowledged run was not given, and the order of events")
    func reading() {
        var history = HistoryBuilder()
        history.collect("a", as: 1)
        history.claim("w", 1, token: 1)
        history.add("w", .handedEvents(job: 1, token: 1, references: ["a"]))
        history.collect("b", as: 1, joined: true)
        history.run("w", 1, token: 1)
        history.settle("w", 1, token: 1)
        #expect(history.broken(job(1, "a", "done", events: ["a", "b"])) == [.eventUnread])
        let unsorted = sound().broken(job(1, "b", "done", events: ["b", "a", "c"]), second)
        #expect(unsorted == [.eventOrder, .eventUnread])
    }

    @Test("a run that was not acknowledged may have had fewer events, and one of unknown outcome may count")
    func runs() {
        var history = HistoryBuilder()
        history.collect("a", as: 1)
        history.claim("w", 1, token: 1)
        history.add("w", .handedEvents(job: 1, token: 1, references: []))
        history.start("w", 1, token: 1)
        history.settle("w", 1, token: 1, .fail, .delayed)
        history.workDigest("w", 1, token: 2, ["a"])
        #expect(!history.broken(job(1, "a", "done", attempts: 2, events: ["a"])).contains(.eventUnread))
        var unknown = HistoryBuilder()
        unknown.collect("a", as: 1)
        unknown.claim("w", 1, token: 1)
        unknown.add("w", .handedEvents(job: 1, token: 1, references: ["a"]))
        unknown.run("w", 1, token: 1)
        unknown.callInVain("w", unknown.settlement(1, 1))
        #expect(unknown.broken(job(1, "a", "done", events: ["a"])) == [])
    }

    @Test("knows what a failed and an unknown enqueue of an event may leave")
    func outcomes() {
        var history = HistoryBuilder()
        history.collect("a", as: 1)
        history.callInVain("producer", HistoryBuilder.event("b"))
        let call = history.invoke("producer", HistoryBuilder.event("c"))
        history.add("producer", .failed(call: call, code: "storageFailed"))
        #expect(history.broken(job(1, "a", "ready", events: ["a"]), drained: false) == [])
        #expect(history.broken(job(1, "a", "ready", events: ["a", "b"]), drained: false) == [])
        #expect(history.broken(job(1, "a", "ready", events: ["a", "b", "c"]), drained: false) == [.phantomJob])
    }

    @Test("a payload may be gone if another took its place, and in no other case")
    func replaced() {
        func replace(_ reference: String, joined: Bool, _ history: inout HistoryBuilder) {
            history.call(
                "producer", HistoryBuilder.event(reference, .replace),
                .enqueued([.init(job: 1, isDuplicate: false, joined: joined ? true : nil)]))
        }
        var history = HistoryBuilder()
        replace("a", joined: false, &history)
        #expect(history.broken() == [.lostJob])
        replace("b", joined: true, &history)
        #expect(history.broken(job(1, "b", "ready"), drained: false) == [])
        #expect(history.broken(job(1, "a", "ready"), drained: false) == [.lostJob])
        #expect(history.broken(job(1, "a", "ready"), job(2, "b", "ready"), drained: false).contains(.lostJob))
        history.callInVain("producer", HistoryBuilder.event("c", .replace))
        #expect(history.broken(job(1, "c", "ready"), drained: false) == [])
    }
}
