import StintCore
import TestSupport
import Testing

@testable import StintBeanstalk

@Suite("What a client sends is parsed as beanstalkd 1.12 parses it")
struct CommandParserTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let input: String
        /// What counts, and what is to be done.
        let requests: [Request]

        init(_ input: String, _ requests: Request...) {
            self.input = input
            self.requests = requests
        }

        var testDescription: String { input.prefix(60).debugDescription }
    }

    private static func put(_ body: String, _ priority: UInt32 = 1, _ delay: UInt32 = 2, ttr: UInt32 = 3) -> [Request] {
        [
            Request(verb: .put, content: .bodyFollows),
            .command(
                nil,
                .put(NewTubeJob(priority: priority, delay: delay, timeToRun: ttr, body: Array(body.utf8)))),
        ]
    }

    private static func id(_ number: Int64) -> JobID { JobID(rawValue: number) }
    private static let bad = Request.refused(.badFormat)
    private static let begun = Request(verb: .put, content: .bodyFollows)
    private static let discarded = Request(verb: .put, content: .bodyIsDiscarded)
    private static let longName = String(repeating: "a", count: 200)
    private static func x(_ count: Int) -> String { String(repeating: "x", count: count) }

    static let commands: [Example] = [
        Example("use mail\r\n", .command(.use, .use("mail"))),
        Example("use a-b+c/d;e.f$g_h(i)\r\n", .command(.use, .use("a-b+c/d;e.f$g_h(i)"))),
        Example("watch mail\r\n", .command(.watch, .watch("mail"))),
        Example("ignore mail\r\n", .command(.ignore, .ignore("mail"))),
        Example("reserve\r\n", .command(.reserve, .reserve(timeout: -1))),
        Example("reserve-with-timeout 5\r\n", .command(.reserveWithTimeout, .reserve(timeout: 5))),
        Example("reserve-job 7\r\n", .command(.reserveJob, .reserveJob(id(7)))),
        Example("delete 7\r\n", .command(.delete, .delete(id(7)))),
        Example(
            "release 7 4294967295 1\r\n", .command(.release, .release(id(7), priority: .max, delay: 1))),
        Example("bury 7 0\r\n", .command(.bury, .bury(id(7), priority: 0))),
        Example("touch 7\r\n", .command(.touch, .touch(id(7)))),
        Example("peek 7\r\n", .command(.peek, .peek(id(7)))),
        Example("peek-ready\r\n", .command(.peekReady, .peekNext(.ready))),
        Example("peek-delayed\r\n", .command(.peekDelayed, .peekNext(.delayed))),
        Example("peek-buried\r\n", .command(.peekBuried, .peekNext(.buried))),
        Example("kick 9\r\n", .command(.kick, .kick(9))),
        Example("kick-job 9\r\n", .command(.kickJob, .kickJob(id(9)))),
        Example("stats\r\n", .command(.stats, .stats)),
        Example("stats-job 9\r\n", .command(.statsJob, .statsJob(id(9)))),
        Example("stats-tube mail\r\n", .command(.statsTube, .statsTube("mail"))),
        Example("list-tubes\r\n", .command(.listTubes, .listTubes)),
        Example("list-tube-used\r\n", .command(.listTubeUsed, .listTubeUsed)),
        Example("list-tubes-watched\r\n", .command(.listTubesWatched, .listTubesWatched)),
        Example("pause-tube mail 60\r\n", .command(.pauseTube, .pauseTube("mail", seconds: 60))),
        Example("quit\r\n", .command(nil, .quit)),
        // Several, and half of one.
        Example("quit\r\nstats\r\nsta", .command(nil, .quit), .command(.stats, .stats)),
    ]

    /// Each was sent to beanstalkd 1.12, which answers so.
    static let oddities: [Example] = [
        Example("\r\n", .refused(.unknownCommand)),
        Example("RESERVE\r\n", .refused(.unknownCommand)),
        Example("put\r\n", .refused(.unknownCommand)),
        Example("kick\r\n", .refused(.unknownCommand)),
        Example("use\r\n", .refused(.unknownCommand)),
        Example("reserve-with-timeout\r\n", bad),
        Example("stats x\r\n", bad),
        Example("reservex\r\n", bad),
        Example("list-tubesx\r\n", bad),
        Example("quitx\r\n", .command(nil, .quit)),
        Example("peek x\r\n", bad),
        Example("peek -1\r\n", bad),
        Example("peek 1x\r\n", bad),
        Example("peek 1 \r\n", bad),
        Example("peek  1\r\n", .command(.peek, .peek(id(1)))),
        Example("peek 18446744073709551615\r\n", .command(.peek, .peek(id(.max)))),
        Example("peek 18446744073709551616\r\n", bad),
        Example("release 1 0\r\n", bad),
        Example("release 1 4294967296 0\r\n", bad),
        Example("bury 1\r\n", bad),
        Example("use  x\r\n", bad),
        Example("use -x\r\n", bad),
        Example("use x y\r\n", bad),
        Example("use x*\r\n", bad),
        Example("use \r\n", bad),
        Example("use \(longName)\r\n", .command(.use, .use(try! QueueName(longName)))),
        Example("use \(longName)a\r\n", bad),
        Example("use a\0b\r\n", bad),
        Example("use a\nb\r\n", bad),
        Example("pause-tubemail 0\r\n", .command(.pauseTube, .pauseTube("mail", seconds: 0))),
        Example("pause-tube mail\r\n", bad),
        Example("pause-tube mail 1x\r\n", bad),
        // C's strtol and strtoul.
        Example("reserve-with-timeout x\r\n", .command(.reserveWithTimeout, .reserve(timeout: 0))),
        Example("reserve-with-timeout 3x\r\n", .command(.reserveWithTimeout, .reserve(timeout: 3))),
        Example("reserve-with-timeout -1\r\n", .command(.reserveWithTimeout, .reserve(timeout: -1))),
        Example("reserve-with-timeout 2147483648\r\n", .command(.reserveWithTimeout, .reserve(timeout: .min))),
        Example("reserve-with-timeout 99999999999999999999\r\n", bad),
        Example("kick x\r\n", bad),
        Example("kick 1x\r\n", .command(.kick, .kick(1))),
        Example("kick -1\r\n", .command(.kick, .kick(.max))),
        Example("kick \t+2\r\n", .command(.kick, .kick(2))),
        Example("kick 4294967297\r\n", .command(.kick, .kick(1))),
        Example("kick 99999999999999999999\r\n", bad),
    ]

    static let bodies: [Example] = [
        Example("put 1 2 3 2\r\nab\r\n", put("ab")[0], put("ab")[1]),
        Example("put 1 2 3 0\r\n\r\n", put("")[0], put("")[1]),
        // A body is bytes, also those of commands and ends of lines.
        Example("put 1 2 3 8\r\n\r\nquit\r\n\r\nquit\r\n", begun, put("\r\nquit\r\n")[1], .command(nil, .quit)),
        Example("put 4294967295 4294967295 0 1\r\na\r\n", begun, put("a", .max, .max, ttr: 1)[1]),
        Example("put 1 2 3 10\r\n0123456789\r\n", begun, put("0123456789")[1]),
        // The two bytes after the body are used up, whatever they are.
        Example("put 1 2 3 1\r\nabcquit\r\n", begun, .refused(.expectedCRLF), .command(nil, .quit)),
        Example("put 1 2 3 1\r\na\n\rquit\r\n", begun, .refused(.expectedCRLF), .command(nil, .quit)),
        // One that is too large is discarded, and its bytes are no commands.
        Example(
            "put 1 2 3 11\r\nquit\r\nquit\r\r\nstats\r\n", discarded, .refused(.jobTooBig), .command(.stats, .stats)),
        Example("put 1 2 3 11x\r\n01234567890\r\nstats\r\n", discarded, .refused(.jobTooBig), .command(.stats, .stats)),
        Example("put 1 2 3 4294967295\r\nquit\r\n", discarded),
        // No body follows a line that is wrong.
        Example("put \r\nquit\r\n", bad, .command(nil, .quit)),
        Example("put -1 2 3 4\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("put 4294967296 2 3 4\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("put 1 2 3\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("put 1 2 3 4294967296\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("put 1 2 3 4x\r\nquit\r\n", .refused(.badFormat, .put), .command(nil, .quit)),
    ]

    static let lines: [Example] = [
        // 224 bytes with the end of the line are the most.
        Example("stats\(x(217))\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("quit\(x(218))\r\nquit\r\n", .command(nil, .quit), .command(nil, .quit)),
        // beanstalkd looks for an end in pieces of 224 bytes, and does not see one that is in two of them.
        Example("quit\(x(219))\r\nquit\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("quit\(x(220))\r\nquit\r\n", bad, .command(nil, .quit)),
        Example("quit\(x(1_000))\r\nquit\r\n", bad, .command(nil, .quit)),
        // Only a line feed after the first carriage return ends a line.
        Example("quit\n"),
        Example("quit\rx\r\nquit\r\n"),
        Example("quit\rx\r\n\(x(300))\r\nquit\r\n", bad, .command(nil, .quit)),
    ]

    private static func requests(_ pieces: [[UInt8]]) -> [Request] {
        var parser = CommandParser(largestBody: 10)
        var requests: [Request] = []
        for piece in pieces {
            parser.append(piece)
            while let request = parser.next() { requests.append(request) }
        }
        return requests
    }

    @Test(
        "a command is what it is, in one piece, in two anywhere, and byte by byte",
        arguments: commands + oddities + bodies + lines)
    func parse(_ example: Example) {
        let bytes = Array(example.input.utf8)
        #expect(Self.requests([bytes]) == example.requests)
        for place in bytes.indices {
            #expect(Self.requests([Array(bytes[..<place]), Array(bytes[place...])]) == example.requests, "at \(place)")
        }
        #expect(Self.requests(bytes.map { [$0] }) == example.requests)
    }

    @Test("a body that is refused is discarded to its end, wherever it had come to")
    func refuse() {
        let bytes = Array("put 1 2 3 6\r\nstats\r\r\nquit\r\n".utf8)
        for place in 13..<bytes.count - 8 {
            var parser = CommandParser(largestBody: 10)
            parser.append(bytes[..<13])
            #expect(parser.next() == Self.begun)
            #expect(parser.expectedBody == 8)
            parser.append(bytes[13..<place])
            parser.refuseBody(.outOfMemory)
            #expect(parser.expectedBody == 0)
            var requests: [Request] = []
            while let request = parser.next() { requests.append(request) }
            parser.append(bytes[place...])
            while let request = parser.next() { requests.append(request) }
            #expect(requests == [.refused(.outOfMemory), .command(nil, .quit)])
        }
    }

    @Test("random bytes and broken commands give the same in any pieces, and nothing is left of discarded ones")
    func fuzz() {
        var chance = SeededGenerator(seed: chosenSeed())
        let parts =
            (Self.commands + Self.oddities + Self.bodies + Self.lines).map { Array($0.input.utf8) }
            + ["\r", "\n", "\r\n", "put ", "\0", " ", "4294967295", "1"].map { Array($0.utf8) }
        for _ in 0..<2_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &chance) {
                var part = parts.randomElement(using: &chance)!
                if Int.random(in: 0..<4, using: &chance) == 0 {
                    part = chance.bytes(Int.random(in: 0...300, using: &chance))
                }
                if !part.isEmpty, Int.random(in: 0..<4, using: &chance) == 0 {
                    part[Int.random(in: part.indices, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
                }
                bytes += part
            }
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(rest.count, 100), using: &chance)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(Self.requests(pieces) == Self.requests([bytes]))
        }
    }

    @Test("what has been parsed takes no memory")
    func memory() {
        var parser = CommandParser(largestBody: 65_535)
        let line = Array("put 0 0 60 50000\r\n".utf8) + Array(repeating: UInt8(ascii: "a"), count: 50_000) + [13, 10]
        for _ in 0..<100 {
            parser.append(line + line.prefix(30_000))
            while parser.next() != nil {}
            parser.append(line.dropFirst(30_000))
            while parser.next() != nil {}
            #expect(parser.unparsed == 0)
        }
        #expect(parser.capacity < 1_000_000)
    }
}
