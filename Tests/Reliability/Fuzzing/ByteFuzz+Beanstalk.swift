import StintBeanstalk
import TestSupport

/// What clients of beanstalkd send.
extension ByteFuzz {
    /// Commands, and bytes that are none.
    ///
    /// The first byte sets how large a job may be, the second how large the pieces are in which the bytes come.
    ///
    /// - Returns: What is wrong; nothing if all is well.
    package static func beanstalk(_ bytes: [UInt8]) -> [String] {
        guard bytes.count > 2 else { return [] }
        let (largest, piece) = (Int(bytes[0]) * 4, Int(bytes[1]) + 1)
        let stream = Array(bytes.dropFirst(2))
        var problems: [String] = []
        var together = CommandParser(largestBody: largest)
        together.append(stream)
        var requests: [Request] = []
        while let request = together.next() { requests.append(request) }

        var parser = CommandParser(largestBody: largest)
        var inPieces: [Request] = []
        var rest = stream[...]
        while !rest.isEmpty {
            parser.append(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            while let request = parser.next() { inPieces.append(request) }
            let most = max(CommandParser.longestLine, parser.expectedBody)
            if parser.unparsed >= most {
                problems.append("\(parser.unparsed) bytes wait, and the next command needs at most \(most)")
            }
            if parser.expectedBody > largest + 2 {
                problems.append("a body of \(parser.expectedBody) bytes is awaited")
            }
        }
        if inPieces != requests {
            problems.append(
                "\(requests.count) commands in one piece are \(inPieces.count) others in pieces of \(piece)")
        }
        return problems
    }

    package static func beanstalk(seed: UInt64) -> [String] {
        var chance = SeededGenerator(seed: seed)
        let lines = (0...chance.below(6)).map { _ in chance.pick(sampleCommands) }.joined()
        return beanstalk(chance.bytes(2) + damaged(Array(lines.utf8), &chance))
    }

    private static let sampleCommands = [
        "put 0 0 60 5\r\nhello\r\n", "put 4294967295 9 0 0\r\n\r\n", "put 1 2 3 100000\r\n", "put 1 2 3 3\r\nquit\r\n",
        "reserve\r\n", "reserve-with-timeout -1\r\n", "reserve-job 7\r\n", "delete 18446744073709551616\r\n",
        "release 1 2 3\r\n", "bury 1 2\r\n", "kick 10\r\n", "touch 3\r\n", "use a.b\r\n", "watch -x\r\n", "ignore \r\n",
        "pause-tube  x 9\r\n", "list-tubes-watched\r\n", "stats-tube \0\r\n", "quit\r\n", "\r\n", "\r\r\n",
        String(repeating: "x", count: 300),
    ]
}
