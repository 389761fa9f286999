import StintCore
import Testing

@testable import StintWorker

private func job(_ id: Int64, token: Int64 = 1, bytes: Int = 0, runsAlone: Bool = false) -> LeasedJob {
    LeasedJob(
        lease: Lease(job: JobID(rawValue: id), token: FencingToken(rawValue: token)), queue: "q",
        payload: [UInt8](repeating: 0, count: bytes), contentType: "text/plain", headers: Headers(), priority: 1,
        attempt: 1, maxAttempts: 3, timeToRun: nil, enqueuedAt: 0, runsAlone: runsAlone)
}

@Suite("The values that a worker's loop consists of")
struct WorkerValueTests {
    // MARK: - Backlog

    @Test("a backlog gives jobs in the order in which they came, and takes one back")
    func backlog() {
        var backlog = Backlog()
        #expect(backlog.isEmpty && backlog.first == nil)
        backlog.append([job(1, bytes: 10), job(2, bytes: 20)])
        backlog.removeFirst()
        #expect(backlog.first?.id.rawValue == 2 && backlog.count == 1 && backlog.bytes == 20)
        backlog.putBackFirst()
        #expect(backlog.leases.map(\.job.rawValue) == [1, 2])
        backlog.removeFirst()
        backlog.append([job(3, runsAlone: true)])
        #expect(backlog.leases.map(\.job.rawValue) == [2, 3] && backlog.hasSuspect)
        #expect(backlog.removeAll { $0.runsAlone }.map(\.id.rawValue) == [3])
        #expect(backlog.leases.map(\.job.rawValue) == [2] && !backlog.hasSuspect)
        #expect(backlog.removeAll { _ in true }.count == 1 && backlog.isEmpty)
    }

    @Test("a backlog of many jobs keeps its order, however they are added, started and removed")
    func longBacklog() {
        var backlog = Backlog()
        var (next, started) = (Int64(1), [Int64]())
        for round in 1...50 {
            backlog.append((0..<Int64(round % 5)).map { job(next + $0) })
            next += Int64(round % 5)
            for _ in 0..<(round % 3) {
                guard let first = backlog.first else { break }
                backlog.removeFirst()
                started.append(first.id.rawValue)
            }
            if round % 10 == 0 { _ = backlog.removeAll { $0.id.rawValue % 7 == 0 } }
        }
        started += backlog.leases.map(\.job.rawValue)
        #expect(started == started.sorted() && Set(started).count == started.count)
        #expect(started.filter { $0 % 7 != 0 } == (1..<next).filter { $0 % 7 != 0 })
    }

    // MARK: - Finished jobs

    @Test("finished jobs wait for others as long as they may, and keep their order when they could not be settled")
    func finished() throws {
        let start = ContinuousClock.now
        func ended(_ id: Int64, followUps: [Int] = []) throws -> FinishedJob {
            let jobs = try followUps.map { try NewJob([UInt8](repeating: 0, count: $0), in: "q") }
            return FinishedJob(settlement: Settlement(job(id).lease, .ack, followUps: jobs), queue: "q")
        }
        var finished = FinishedJobs()
        #expect(finished.isEmpty && finished.timeUntilDue(after: .seconds(1), at: start) == nil)
        #expect(finished.add(try ended(1, followUps: [10, 20]), at: start))
        #expect(!finished.add(try ended(2), at: start + .seconds(1)))
        #expect(finished.count == 2 && finished.bytes == 30)
        // The first one counts.
        #expect(finished.timeUntilDue(after: .seconds(3), at: start + .seconds(1)) == .seconds(2))
        #expect(finished.timeUntilDue(after: .zero, at: start) == .zero)
        #expect(finished.timeUntilDue(after: .seconds(3), at: start + .seconds(9)) == .zero)

        let visited = finished.removeAll()
        #expect(visited.count == 2 && finished.isEmpty && finished.bytes == 0 && finished.waitingSince == nil)
        _ = finished.add(try ended(3), at: start + .seconds(2))
        finished.putBack(visited, at: start + .seconds(4))
        #expect(finished.leases.map(\.job.rawValue) == [1, 2, 3] && finished.bytes == 30)
        #expect(finished.waitingSince == start + .seconds(4))

        #expect(finished.removeAll { $0.lease.job.rawValue == 1 }.count == 1)
        #expect(finished.leases.map(\.job.rawValue) == [2, 3] && finished.bytes == 0)
        finished.putBack([], at: start + .seconds(5))
        #expect(finished.waitingSince == start + .seconds(5))
        _ = finished.removeAll()
        finished.putBack([], at: start)
        #expect(finished.waitingSince == nil)
    }

    // MARK: - Leases

    @Test("a lease is due when a third of its time is gone, and past at its deadline")
    func leases() {
        let start = ContinuousClock.now
        func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }
        var leases = LeaseKeeper(duration: .seconds(30))
        let (one, two) = (job(1, token: 1).lease, job(2, token: 2).lease)
        // The store may have read a clock of whole milliseconds: the worker counts one less.
        leases.granted([one], at: at(1_001))
        #expect(leases.due([one], at: at(10_999)).isEmpty)
        #expect(leases.due([one], at: at(11_000)) == [one])
        #expect(!leases.isPast(one, at: at(30_999)) && leases.isPast(one, at: at(31_000)))
        // One that is not known is extended, and is not taken for past.
        #expect(leases.due([two], at: at(1_000)) == [two] && !leases.isPast(two, at: at(.max / 1_000)))
        leases.granted([one], at: at(20_001))
        #expect(!leases.isPast(one, at: at(49_999)))
        leases.keepOnly([two])
        #expect(!leases.isPast(one, at: at(60_000)))
        #expect(!leases.isShort(claimedAt: start, now: at(10_000)) && leases.isShort(claimedAt: start, now: at(10_001)))
    }

    @Test(
        "when a lease of 30 s that was granted at 1,001 ms is extended, and when it has ended",
        arguments: [
            // now, due, past
            (1_001, false, false), (10_999, false, false), (11_000, true, false), (30_999, true, false),
            (31_000, true, true), (.max / 1_000, true, true),
        ] as [(Int, Bool, Bool)])
    func deadlines(_ now: Int, _ isDue: Bool, _ isPast: Bool) {
        let start = ContinuousClock.now
        let now = start + .milliseconds(now)
        var leases = LeaseKeeper(duration: .seconds(30))
        let lease = job(1).lease
        leases.granted([lease], at: start + .milliseconds(1_001))
        #expect(leases.due([lease], at: now) == (isDue ? [lease] : []))
        #expect(leases.isPast(lease, at: now) == isPast)
        leases.granted([lease], at: now)
        #expect(leases.due([lease], at: now).isEmpty && !leases.isPast(lease, at: now))
    }

    // MARK: - Pace

    @Test("a claim takes no more than can be started soon, at least as many as run at once, and at most the batch")
    func pace() {
        let start = ContinuousClock.now
        var pace = Pace(at: start)
        func batch(_ batch: Int? = nil, concurrency: Int = 4, lease: Duration = .seconds(30)) -> Int {
            pace.batch(batch, concurrency: concurrency, lease: lease)
        }
        #expect(batch() == 4 && batch(100) == 100)
        pace.ended(after: .milliseconds(10))
        #expect(batch() == 64 && batch(1_000) == 100 && batch(concurrency: 100) == 100)
        // A tenth of a short lease.
        #expect(batch(1_000, lease: .milliseconds(500)) == 20)
        pace = Pace(at: start)
        pace.ended(after: .seconds(5))
        #expect(batch() == 4 && batch(100) == 4)
        pace = Pace(at: start)
        pace.ended(after: .zero)
        #expect(batch() == 64 && batch(500) == 500)
        #expect(!pace.isStalled(at: start + .milliseconds(999)) && pace.isStalled(at: start + .seconds(1)))
        pace.waitingBegan(at: start + .seconds(3))
        #expect(pace.timeUntilStalled(at: start + .milliseconds(3_400)) == .milliseconds(600))
        pace.started(at: start + .seconds(9))
        #expect(pace.timeUntilStalled(at: start + .seconds(9)) == .seconds(1))
    }

    // MARK: - Wake-ups

    @Test("what is known of jobs to come is the latest, is news once, and is trusted for a while only")
    func listener() {
        let start = ContinuousClock.now
        var listener = WakeUpListener(at: start)
        func notified(
            _ next: NextReady, in period: Int = 1, passesOver: Bool = false, after wait: Duration = .zero
        ) -> Bool {
            listener.notified(next, in: period, passesOverSuspects: passesOver, at: start + wait)
        }
        func known(after duration: Duration) -> Bool { listener.known == .at(start + duration) }
        listener.mayFindJobs = false
        listener.beginListening()
        #expect(notified(.after(.seconds(7))) && !notified(.after(.seconds(7))) && known(after: .seconds(7)))
        // The same time, said a second later and a little differently, is no news.
        #expect(!notified(.after(.milliseconds(5_999)), after: .seconds(1)) && known(after: .seconds(7)))
        #expect(!notified(.after(.milliseconds(6_050)), after: .seconds(1)) && known(after: .seconds(7)))
        // An earlier time wakes the worker; a later one is known when it wakes.
        #expect(notified(.after(.seconds(5)), after: .seconds(1)) && known(after: .seconds(6)))
        #expect(!notified(.after(.seconds(8)), after: .seconds(1)) && known(after: .seconds(9)))
        #expect(!listener.mayFindJobs && listener.wakeUps == 0)
        #expect(notified(.now) && notified(.now) && listener.mayFindJobs && listener.wakeUps == 2)
        // What is ready may be suspects, of which it takes none.
        listener.mayFindJobs = false
        #expect(notified(.now, passesOver: true) && !listener.mayFindJobs && listener.known == nil)
        listener.beginListening()
        #expect(!notified(.now, in: 1) && listener.wakeUps == 3)

        let since = listener.beginsToRead(at: start + .seconds(1))
        #expect(
            listener.hasRead(.after(.seconds(9)), since: since, at: start + .seconds(1)) == .at(start + .seconds(10)))
        listener.hasRead(.unknown, since: since, at: start + .seconds(1))
        #expect(listener.trusted(for: .seconds(5), at: start + .seconds(5)) == .unknown)
        #expect(listener.trusted(for: .seconds(5), at: start + .seconds(6)) == nil)
        #expect(listener.timeUntilLook(.seconds(5), at: start + .seconds(4)) == .seconds(2))
        // A notification that came meanwhile is newer than what was read.
        let earlier = listener.beginsToRead(at: start + .seconds(6))
        #expect(notified(.after(.seconds(9)), in: 2))
        listener.hasRead(.unknown, since: earlier, at: start + .seconds(6))
        #expect(known(after: .seconds(9)))
    }
}
