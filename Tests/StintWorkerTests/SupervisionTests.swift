import Foundation
import StintCore
import Testing

@testable import StintWorker

@Suite("A worker and its supervisor")
struct SupervisionTests {
    @Test("what a worker cannot send stays short, and says all that is true in the end")
    func unsent() {
        for _ in 0..<20 {
            var (unsent, heard) = (UnsentMessages(), [UInt8]())
            unsent.add(.ready(WorkerID(rawValue: 7)))
            // For most of the time the channel is full, and in the middle of a message.
            for step in 0..<5_000 {
                unsent.add(.beat)
                guard step.isMultiple(of: 100) else { continue }
                var room = Int.random(in: 0...60)
                unsent.send { bytes in
                    let count = min(room, bytes.count)
                    heard += bytes.prefix(count)
                    room -= count
                    return count
                }
                #expect(unsent.count <= 3)
            }
            unsent.add(.ending(.drained))
            unsent.add(.beat)
            unsent.send { bytes in
                heard += bytes
                return bytes.count
            }
            #expect(unsent.isEmpty)
            let lines = String(decoding: heard, as: UTF8.self).split(separator: "\n")
            let messages = lines.compactMap { ControlMessage(line: String($0)) }
            #expect(messages.count == lines.count)
            #expect(messages.first == .ready(WorkerID(rawValue: 7)))
            #expect(messages.last { $0 != .beat } == .ending(.drained))
        }
    }

    @Test("a worker has nobody to write to once its supervisor has closed the line, and does not wait for one")
    func deadSupervisor() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { close(ends[1]) }
        #expect(SupervisorConnection.mayWrite(ends[1]))
        close(ends[0])
        #expect(!SupervisorConnection.mayWrite(ends[1]))
    }

    @Test("what a supervisor offers is read without an effect, and only if it is at the other end")
    func offer() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let offer = try #require(SupervisorOffer("\(ends[1]) 2 \(getpid()) 9af03c supervisor-1-2"))
        #expect(offer.number == 2 && offer.mark.text == "9af03c" && offer.sign == "supervisor-1-2")
        #expect(fcntl(ends[1], F_GETFD) & FD_CLOEXEC == 0, "reading the offer changes nothing")
        #expect(SupervisorOffer("\(ends[1]) 2 \(getpid()) 9af03c")?.sign == nil)
        for text in [
            "", "x", "\(ends[1]) 2 \(getpid())", "\(ends[1]) 2 \(getppid()) 9af03c", "-1 2 \(getpid()) 9af03c",
            "\(ends[1]) two \(getpid()) 9af03c",
        ] { #expect(SupervisorOffer(text) == nil, "\(text)") }
        #expect(!Worker.isSupervised)
    }

    @Test("a worker is silent for too long past the limit, and after a moment of doubt")
    func silence() {
        let start = ContinuousClock.now
        var watch = HeartbeatMonitor(limit: .seconds(30))
        func isTooLong(_ heard: Int, at now: Double) -> Bool {
            watch.isTooLong(lastHeard: start + .seconds(heard), now: start + .seconds(now))
        }
        #expect(watch.nextLook(lastHeard: start) == start + .seconds(29))
        #expect(!isTooLong(0, at: 28.9))
        #expect(!isTooLong(0, at: 29))
        #expect(watch.nextLook(lastHeard: start) == start + .seconds(30))
        // It has sent something after all.
        #expect(!isTooLong(29, at: 30))
        #expect(!isTooLong(29, at: 57.9))
        // A supervisor that looks late still waits a moment.
        #expect(!isTooLong(29, at: 90))
        #expect(!isTooLong(29, at: 90.5))
        #expect(isTooLong(29, at: 91))
    }

    @Test("words of life come often enough that one may be lost", arguments: [1, 10, 30, 3_600])
    func beats(seconds: Int) {
        var options = SupervisorOptions()
        options.heartbeatTimeout = .seconds(seconds)
        #expect(options.beatInterval * 3 <= options.heartbeatTimeout - HeartbeatMonitor.doubt / 4)
        #expect(options.beatInterval <= .seconds(10))
    }

    @Test("words of life are rare where nobody asks for more: each wakes two processes up")
    func rareBeats() {
        #expect(SupervisorOptions().beatInterval >= .seconds(5))
    }
}
