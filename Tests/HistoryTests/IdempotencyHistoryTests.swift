import History
import Testing

@Suite("The checker of histories, on enqueues that are repeated with an idempotency key")
struct IdempotencyHistoryTests {
    private static let day: Int64 = 86_400_000

    /// One enqueue with a key was not answered.
    private func unanswered(unique: String? = nil) -> HistoryBuilder {
        var history = HistoryBuilder()
        history.callInVain("producer", history.once("a", unique: unique))
        return history
    }

    private func added() -> HistoryBuilder {
        var history = HistoryBuilder()
        history.put(history.once("a"), as: 1)
        return history
    }

    private let first = job(1, "a", "ready")
    private let second = job(2, "b", "ready")

    @Test("has nothing to say if a repeat finds the first one's job, or makes one that the first has not made")
    func nothing() {
        var found = unanswered()
        found.put(found.once("b"), as: 1, duplicate: true)
        #expect(found.broken(first, drained: false) == [])
        var made = unanswered()
        made.put(made.once("b"), as: 1)
        #expect(made.broken(job(1, "b", "ready"), drained: false) == [])
        var other = added()
        other.put(other.once("b", in: "r"), as: 2)
        other.put(other.once("c", "another"), as: 3)
        #expect(other.broken(first, second, job(3, "c", "ready"), drained: false) == [])
    }

    @Test("sees a key that makes two jobs, whether or not the first enqueue was answered")
    func twice() {
        var answered = added()
        answered.put(answered.once("b"), as: 2)
        #expect(answered.broken(first, second, drained: false) == [.repeatedTwice])
        var unknown = unanswered()
        unknown.put(unknown.once("b"), as: 2)
        #expect(unknown.broken(first, second, drained: false) == [.repeatedTwice])
        #expect(unknown.broken(second, drained: false) == [])
        var never = unanswered()
        never.callInVain("producer", never.once("b"))
        #expect(never.broken(first, second, drained: false) == [.repeatedTwice])
    }

    @Test("sees an event that is in its digest twice")
    func event() {
        var history = HistoryBuilder()
        history.put(history.once("a", unique: "k", conflict: .collect), as: 1)
        let digest = job(1, "a", "ready", events: ["a", "b"])
        history.call(
            "producer", history.once("b", unique: "k", conflict: .collect),
            .enqueued([.init(job: 1, isDuplicate: false, joined: true)]))
        #expect(history.broken(digest, drained: false) == [.repeatedTwice])
    }

    @Test("sees a repeat that is answered with a job that never had its key, or that is not there")
    func answers() {
        var other = HistoryBuilder()
        other.enqueue("b", as: 2)
        var unexplained = other
        unexplained.put(unexplained.once("a"), as: 2, duplicate: true)
        #expect(unexplained.broken(second, drained: false) == [.repeatUnexplained])
        other.put(other.once("a"), as: 1)
        other.put(other.once("c"), as: 2, duplicate: true)
        #expect(other.broken(first, second, drained: false) == [.repeatedTwice, .repeatUnexplained])
        var lost = unanswered()
        lost.put(lost.once("b"), as: 1, duplicate: true)
        #expect(lost.broken() == [.lostJob])
        lost.callInVain("operator", .delete(jobs: [1]))
        #expect(lost.broken() == [])
        var keyless = HistoryBuilder()
        keyless.enqueue("a", as: 1)
        keyless.enqueue("b", as: 1, duplicate: true)
        #expect(keyless.broken(first, drained: false) == [.repeatUnexplained])
    }

    @Test("knows that a key is free again after a day, and not before")
    func period() {
        func broken(after wait: Int64, _ history: HistoryBuilder, duplicate: Bool) -> Set<Rule> {
            var history = history
            history.wait(wait)
            history.put(history.once("b"), as: duplicate ? 1 : 2, duplicate: duplicate)
            return duplicate
                ? history.broken(first, drained: false) : history.broken(first, second, drained: false)
        }
        #expect(broken(after: Self.day - 1_000, added(), duplicate: true) == [])
        #expect(broken(after: Self.day - 1_000, added(), duplicate: false) == [.repeatedTwice])
        #expect(broken(after: Self.day, added(), duplicate: false) == [])
        #expect(broken(after: Self.day + 1_000, added(), duplicate: true) == [.repeatUnexplained])
        // A repeat that has found it does not keep it for longer.
        var repeated = added()
        repeated.wait(Self.day / 2)
        repeated.put(repeated.once("c"), as: 1, duplicate: true)
        #expect(broken(after: Self.day / 2 + 1_000, repeated, duplicate: true) == [.repeatUnexplained])
        // When an enqueue happened that was not answered is known if its process was killed, and only then.
        #expect(broken(after: Self.day + 1_000, unanswered(), duplicate: true) == [])
        var killed = unanswered()
        killed.add("producer", .killed)
        #expect(broken(after: Self.day + 1_000, killed, duplicate: true) == [.repeatUnexplained])
        #expect(broken(after: Self.day - 1_000, killed, duplicate: false) == [.repeatedTwice])
        #expect(broken(after: Self.day - 1_000, unanswered(), duplicate: false) == [.repeatedTwice])
    }

    @Test("follows a wall clock that is set")
    func clock() {
        var ahead = added()
        ahead.setClock(ahead: Self.day)
        var again = ahead
        again.put(again.once("b"), as: 2)
        #expect(again.broken(first, second, drained: false) == [])
        var kept = ahead
        kept.wait(1_000)
        kept.put(kept.once("b"), as: 1, duplicate: true)
        #expect(kept.broken(first, drained: false) == [.repeatUnexplained])
        var during = added()
        during.wait(Self.day)
        let call = during.invoke("producer", during.once("b"))
        during.setClock(ahead: -Self.day)
        during.add("producer", .returned(call: call, .enqueued([.init(job: 1, isDuplicate: true)])))
        #expect(during.broken(first, drained: false) == [])
        var little = added()
        little.setClock(ahead: Self.day / 2)
        little.setClock(ahead: -Self.day / 4)
        little.put(little.once("b"), as: 2)
        #expect(little.broken(first, second, drained: false) == [.repeatedTwice])
        var unknown = added()
        unknown.add("harness", .clockSet())
        unknown.put(unknown.once("b"), as: 2)
        #expect(unknown.broken(first, second, drained: false) == [])
    }

    @Test("with a unique key too, finds what the first one was answered with, whatever has become of that job")
    func unique() {
        var done = HistoryBuilder()
        done.put(done.once("a", unique: "k"), as: 1)
        done.work("w", 1, token: 1)
        var swallowed = done
        swallowed.enqueue("b", as: 1, key: "k", duplicate: true)
        #expect(swallowed.broken(job(1, "a", "done")) == [.swallowed])
        done.put(done.once("b", unique: "k"), as: 1, duplicate: true)
        #expect(done.broken(job(1, "a", "done")) == [])
        // It has found the holder of the unique key, and finds that again when it is gone.
        var holder = HistoryBuilder()
        holder.enqueue("a", as: 1, key: "k")
        holder.put(holder.once("b", unique: "k"), as: 1, duplicate: true)
        holder.call("operator", .delete(jobs: [1]))
        var again = holder
        again.put(again.once("c", unique: "k"), as: 2)
        #expect(again.broken(job(2, "c", "ready", key: "k"), drained: false) == [.repeatedTwice])
        holder.put(holder.once("c", unique: "k"), as: 1, duplicate: true)
        #expect(holder.broken() == [])
    }

    @Test("lets a store repeat an enqueue with a key by itself, and no other")
    func ownRepeat() {
        var history = HistoryBuilder()
        history.put(history.once("a"), as: 1, duplicate: true)
        #expect(history.broken(first, drained: false) == [])
        #expect(history.broken() == [.repeatUnexplained])
        // What it has added may be gone when it is repeated.
        var deleted = history
        deleted.call("operator", .delete(jobs: [1]))
        deleted.put(deleted.once("b"), as: 1, duplicate: true)
        #expect(deleted.broken() == [])
        var replaced = HistoryBuilder()
        replaced.put(replaced.once("a", unique: "k", conflict: .replace), as: 1, duplicate: true)
        #expect(replaced.broken(job(1, "b", "ready"), drained: false).contains(.repeatUnexplained))
        replaced.call(
            "producer", HistoryBuilder.event("b", .replace),
            .enqueued([.init(job: 1, isDuplicate: false, joined: true)]))
        #expect(replaced.broken(job(1, "b", "ready"), drained: false) == [])
        var keyless = HistoryBuilder()
        keyless.enqueue("a", as: 1, duplicate: true)
        #expect(keyless.broken(first, drained: false) == [.phantomJob, .repeatUnexplained])
    }

    @Test("lets a copy of the database undo a key")
    func undone() {
        var history = HistoryBuilder()
        history.add("harness", .copying)
        history.put(history.once("a"), as: 1)
        history.add("harness", .replaced)
        history.put(history.once("b"), as: 2)
        #expect(history.broken(second, drained: false) == [])
    }
}
