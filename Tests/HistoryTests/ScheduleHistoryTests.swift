import History
import Testing

@Suite("The checker of histories, on schedules")
struct ScheduleHistoryTests {
    /// The rules that are broken if these ticks have made jobs, with the ids 1, 2, …; each is noted, unless `notes`
    /// differ.
    private func broken(
        _ history: HistoryBuilder, _ ticks: [Int64], notes: [(tick: Int64, job: Int64)]? = nil
    ) -> Set<Rule> {
        let jobs = ticks.enumerated().map { index, tick in
            var job = job(Int64(index + 1), "s", "ready")
            job.origin = .init(schedule: "s", tick: tick)
            return job
        }
        let notes = notes ?? ticks.enumerated().map { (tick: $1, job: Int64($0 + 1)) }
        let final = FinalState(
            isDrained: false, jobs: jobs, ticks: notes.map { .init(schedule: "s", time: $0.tick, job: $0.job) })
        return Set(HistoryChecker(history.events, final).violations().map(\.rule))
    }

    /// Set at 500, and ticked at these times.
    private func history(_ missed: Call.Schedule.Missed, _ times: Int64...) -> HistoryBuilder {
        var history = HistoryBuilder()
        history.setSchedule(missed, at: 500)
        for time in times { history.tick(at: time) }
        return history
    }

    @Test("has nothing to say if each tick made one job", arguments: [Call.Schedule.Missed.skip, .once, .all])
    func sound(_ missed: Call.Schedule.Missed) {
        #expect(broken(history(missed, 1_000, 2_010, 3_400), [1_000, 2_000, 3_000]) == [])
    }

    @Test("misses a tick that made two jobs, a job without a note, and a note without a job")
    func transaction() {
        let history = history(.all, 1_000, 2_000)
        #expect(broken(history, [1_000, 2_000, 2_000], notes: [(1_000, 1), (2_000, 2)]).contains(.tickTwice))
        #expect(broken(history, [1_000, 2_000], notes: [(1_000, 1)]) == [.tickUnnoted])
        #expect(broken(history, [1_000, 2_000], notes: []) == [.tickUnnoted])
        #expect(broken(history, [1_000], notes: [(1_000, 1), (2_000, 2)]) == [.tickUnnoted])
        var deleted = history
        deleted.call("operator", .delete(jobs: [2]))
        #expect(broken(deleted, [1_000], notes: [(1_000, 1), (2_000, 2)]) == [])
        // The oldest notes may be gone.
        #expect(broken(history, [1_000, 2_000], notes: [(2_000, 2)]) == [])
    }

    @Test("misses a tick under `all`, from the set of the schedule to the last call that left none")
    func missing() {
        #expect(broken(history(.all, 1_000, 3_000), [1_000, 3_000]) == [.tickMissed])
        #expect(broken(history(.all, 3_000), [2_000, 3_000]) == [.tickMissed])
        #expect(broken(history(.all, 1_000, 3_000), [1_000, 2_000]) == [.tickMissed])
        #expect(broken(history(.once, 1_000, 3_000), [1_000, 3_000]) == [])
        var rest = history(.all, 1_000)
        rest.tick(at: 3_000, complete: false)
        #expect(broken(rest, [1_000, 2_000]) == [])
        var known = HistoryBuilder()
        known.setSchedule(.all, at: 1_500, isNew: false)
        known.tick(at: 3_000)
        #expect(broken(known, [3_000]) == [.tickMissed])
        #expect(broken(known, [2_000, 3_000]) == [])
    }

    @Test("does not miss ticks after a pause, or if it is not certain that the schedule was set, or is there")
    func uncertain() {
        var paused = history(.all, 1_000)
        paused.call("operator", .changeSchedule(name: "s"))
        paused.tick(at: 3_000)
        #expect(broken(paused, [1_000]) == [])
        var unset = HistoryBuilder()
        unset.callInVain("producer", .setSchedule(.init(name: "s", missed: .all, interval: 1_000), wall: 500))
        unset.tick(at: 3_000)
        #expect(broken(unset, [3_000]) == [])
        var replaced = HistoryBuilder()
        replaced.add("harness", .copying)
        replaced.setSchedule(.all, at: 500)
        replaced.add("harness", .replaced)
        replaced.tick(at: 3_000)
        #expect(broken(replaced, [3_000]) == [])
    }

    @Test("misses a tick that came before its time, or between the ticks")
    func untimely() {
        for missed in [Call.Schedule.Missed.skip, .once, .all] {
            #expect(broken(history(missed, 1_000), [1_000, 2_000]).contains(.tickUntimely), "\(missed)")
            #expect(broken(history(missed, 2_000), [1_500]).contains(.tickUntimely), "\(missed)")
        }
        // A call takes a while: this one up to 4,001.
        var slow = history(.once)
        let call = slow.invoke("reaper", .tick(wall: 2_000))
        slow.wait(2_000)
        slow.add("reaper", .returned(call: call, .ticked(1, isComplete: true)))
        #expect(broken(slow, [4_000]) == [])
        #expect(broken(slow, [5_000]) == [.tickUntimely])
    }

    @Test("misses more than one job for the ticks of a sleep with `once`, and with `skip` one that is too late")
    func caughtUp() {
        #expect(broken(history(.all, 5_000), [1_000, 2_000, 3_000, 4_000, 5_000]) == [])
        #expect(broken(history(.once, 5_000), [5_000]) == [])
        #expect(broken(history(.once, 5_000), [4_000, 5_000]) == [.tickUntimely])
        var hourly = HistoryBuilder()
        hourly.setSchedule(.skip, at: 500, every: 3_600_000)
        hourly.tick(at: 3_720_000)
        #expect(broken(hourly, [3_600_000]) == [])
        var late = HistoryBuilder()
        late.setSchedule(.skip, at: 500, every: 3_600_000)
        late.tick(at: 3_730_000)
        #expect(broken(late, [3_600_000]) == [.tickUntimely])
    }

    @Test("says nothing of times while the clock was set, and of a process that was killed only until then")
    func clock() {
        var set = history(.once)
        let call = set.invoke("reaper", .tick(wall: 1_000))
        set.add("faults", .clockSet())
        set.add("reaper", .returned(call: call, .ticked(1, isComplete: true)))
        #expect(broken(set, [7_000]) == [])
        var killed = history(.once)
        killed.callInVain("reaper", .tick(wall: 1_000))
        killed.wait(2_000)
        killed.add("reaper", .killed)
        #expect(broken(killed, [3_000]) == [])
        #expect(broken(killed, [4_000]) == [.tickUntimely])
    }

    @Test("a job of a schedule needs no enqueue, and one of a schedule that is unknown has no ticks to compare")
    func unknown() {
        #expect(broken(HistoryBuilder(), [1_000]) == [])
    }
}
