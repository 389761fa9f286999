import NIOCore
import StintCore
import Testing

@testable import StintBeanstalk

@Suite("What the server knows of a connection, of tubes and of those who wait")
struct SessionTests {
    private static func reservation(until deadline: NIODeadline) -> Session.Reservation {
        Session.Reservation(
            lease: Lease(job: JobID(rawValue: 1), token: FencingToken(rawValue: 1)), tube: "q",
            timeToRun: .seconds(10), deadline: deadline)
    }

    @Test("the last tube of a watch list cannot be ignored, and the list has beanstalkd's order")
    func watch() {
        var session = Session()
        #expect(session.ignore("default") == .isTheOnlyOne)
        for tube in ["a", "b", "c"] as [QueueName] { #expect(session.watch(tube) == true) }
        #expect(session.watch("a") == false)
        #expect(session.ignore("a") == .ignored)
        #expect(session.ignore("a") == .wasNotWatched)
        #expect(session.watched == ["default", "c", "b"])
    }

    @Test("with a separator a tube names a queue and a group of it, and both have a name")
    func groups() throws {
        let separator = try GroupSeparator(";")
        func parts(_ name: QueueName) -> [String?]? {
            UsedTube(name, separator).map { ["\($0.name)", "\($0.queue)", $0.group] }
        }
        #expect(parts("mail;acme") == ["mail;acme", "mail", "acme"])
        #expect(parts("mail;acme;x") == ["mail;acme;x", "mail", "acme;x"])
        #expect(parts("mail") == ["mail", "mail", nil])
        for name in [";", ";acme", "mail;"] as [QueueName] { #expect(UsedTube(name, separator) == nil) }
        #expect(UsedTube("mail;acme", nil)?.queue == "mail;acme")
        for text in ["", ";;", "a", "7", ":", " ", "é"] {
            #expect(throws: StintError.self, "\(text)") { try GroupSeparator(text) }
        }
        for text in "-+/;.$_()" { #expect(throws: Never.self) { try GroupSeparator("\(text)") } }
    }

    @Test("the last second of a job's time is the margin, and a touch gives it all its time again")
    func deadline() {
        var session = Session()
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(!session.isDeadlineSoon(at: now))
        session.reserve(JobID(rawValue: 1), Self.reservation(until: now + .seconds(10)))
        session.reserve(JobID(rawValue: 2), Self.reservation(until: now + .seconds(20)))
        #expect(!session.isDeadlineSoon(at: now + .milliseconds(8_999)))
        #expect(session.isDeadlineSoon(at: now + .seconds(9)))
        #expect(session.touch(JobID(rawValue: 1), at: now + .seconds(9)) == true)
        #expect(session.touch(JobID(rawValue: 3), at: now) == false)
        #expect(session.nextDeadline == now + .seconds(19))
        #expect(session.takeTimedOut(at: now + .milliseconds(18_999)).isEmpty)
        #expect(Array(session.takeTimedOut(at: now + .seconds(19)).keys) == [JobID(rawValue: 1)])
        #expect(session.nextDeadline == now + .seconds(20))
        #expect(session.end(JobID(rawValue: 2)) != nil)
        #expect(session.end(JobID(rawValue: 2)) == nil)
        #expect(session.nextDeadline == nil)
    }

    @Test("a tube is gone when nobody names it and no job is in it, and its counts with it")
    func tubes() {
        var tubes = Tubes()
        #expect(tubes.names == ["default"])
        for tube in ["a", "b", "c"] as [QueueName] { tubes.beginUse(tube) }
        tubes.addJob(to: "a")
        tubes.endUse("a")
        tubes.endUse("b")
        #expect(tubes.names == ["default", "a", "c"])
        #expect(tubes["a"]?.totalJobs == 1)
        tubes.change("a") { $0.jobs -= 1 }
        #expect(tubes.names == ["default", "c"] && tubes["a"] == nil)
        tubes.beginWatch("c")
        tubes.endUse("c")
        #expect(tubes["c"] != nil)
        tubes.endWatch("c")
        #expect(tubes.names == ["default"])
        // Another process has put jobs.
        tubes.setJobs(["d": 2, "e": 0])
        #expect(tubes.names == ["default", "d"])
        tubes.setJobs([:])
        #expect(tubes.names == ["default"])
    }

    @Test("who has waited longest comes first, and one that waits again comes last")
    func line() {
        func waiter(_ number: Int, _ tubes: Set<QueueName>, refusal: Reply? = nil) -> WaitingLine.Waiter {
            .init(connection: ConnectionID(number: number), tubes: tubes, timeout: nil, refusal: refusal)
        }
        var line = WaitingLine()
        line.append(waiter(1, ["a"]))
        line.append(waiter(2, ["a"], refusal: .timedOut))
        line.append(waiter(3, ["a", "b"]))
        #expect(line.count == 3 && line.count(of: ["a"]) == 2 && line.waiting == ["a": 3, "b": 1])
        #expect(line.first(of: ["a"]) == ConnectionID(number: 1))
        #expect(Set(line.groups(watching: ["c"])) == [["a"], ["a", "b"]])
        let refused = line.look(for: ["a"])
        #expect(refused.map(\.connection.number) == [2])
        _ = line.look(for: ["a", "b"])
        #expect(line.groups(watching: ["c"]).isEmpty)
        #expect(line.groups(watching: ["b"]) == [["a", "b"]])
        #expect(line.stillWaits(refused[0].connection, refused[0].ticket))
        line.remove(ConnectionID(number: 1))
        line.append(waiter(1, ["a"]))
        #expect(line.first(of: ["a"]) == ConnectionID(number: 2))
        line.remove(ConnectionID(number: 2))
        #expect(!line.stillWaits(refused[0].connection, refused[0].ticket))
        #expect(line.first(of: ["a"]) == ConnectionID(number: 1))
        #expect(line.anyone(for: "b") == ConnectionID(number: 3))
        for number in 1...3 { line.remove(ConnectionID(number: number)) }
        #expect(line.count == 0 && line.waiting.isEmpty && line.groups(watching: nil).isEmpty)
    }

    @Test("what is noted of a job is kept while others come, and only of so many")
    func notes() {
        var notes = JobNotes()
        notes.change(JobID(rawValue: 0)) { $0.kicks += 1 }
        for number in 1...Int64(JobNotes.most / 2) { notes.change(JobID(rawValue: number)) { $0.reserves += 1 } }
        #expect(notes[JobID(rawValue: 0)].kicks == 1)
        notes.change(JobID(rawValue: 0)) { $0.kicks += 1 }
        for number in 1...Int64(JobNotes.most) { notes.change(JobID(rawValue: -number)) { $0.reserves += 1 } }
        #expect(notes[JobID(rawValue: 0)].kicks == 0)
        notes.forget(JobID(rawValue: -Int64(JobNotes.most)))
        #expect(notes[JobID(rawValue: -Int64(JobNotes.most))].reserves == 0)
    }
}
