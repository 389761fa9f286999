import StintCore

/// Bytes of a connection in, commands out. A value without a socket: the bytes may come in pieces of any length, and the
/// commands are the same.
///
/// What is no command is answered as beanstalkd 1.12 answers it, byte for byte; see ``LineReader`` for the lines.
package struct CommandParser: Sendable {
    /// The longest command line with its end, as in beanstalkd.
    package static let longestLine = 224

    private enum State {
        case line
        /// The line is too long: what comes up to its end is discarded.
        case tooLongLine
        /// The body of a put, and the end of line after it.
        case body(Int, priority: UInt32, delay: UInt32, timeToRun: UInt32)
        /// Bytes of a body that are discarded before the reply.
        case discarded(Int, Reply)
    }

    private let largestBody: Int
    private var state = State.line
    private var buffer: [UInt8] = []
    /// The bytes of the buffer before this are used up.
    private var start = 0

    /// - Parameter largestBody: The most bytes of a job.
    package init(largestBody: Int) {
        self.largestBody = largestBody
    }

    /// How many bytes wait to be parsed.
    package var unparsed: Int { buffer.count - start }

    /// How many bytes it keeps room for.
    var capacity: Int { buffer.capacity }

    /// How many bytes the body has that is being received, with the end of line after it; 0 if none is.
    package var expectedBody: Int {
        if case .body(let count, _, _, _) = state { count + 2 } else { 0 }
    }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 4_096)
            start = 0
        } else if start >= 65_536 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Discards the body that is being received, and refuses its put with this reply.
    mutating func refuseBody(_ reply: Reply) {
        if case .body(let count, _, _, _) = state { state = .discarded(count + 2, reply) }
    }

    /// The next command; `nil` until more bytes come.
    package mutating func next() -> Request? {
        while true {
            switch state {
            case .line:
                let window = buffer[start..<min(buffer.count, start + Self.longestLine)]
                if let end = Self.end(of: window) {
                    let line = window[..<(end - 2)]
                    start = end
                    return parse(line)
                }
                guard window.count == Self.longestLine else { return nil }
                start = window.endIndex
                state = .tooLongLine
            case .tooLongLine:
                let window = buffer[start..<min(buffer.count, start + Self.longestLine)]
                if let end = Self.end(of: window) {
                    start = end
                    state = .line
                    return .refused(.badFormat)
                }
                guard window.count == Self.longestLine else { return nil }
                start = window.endIndex
            case .body(let count, let priority, let delay, let timeToRun):
                guard unparsed >= count + 2 else { return nil }
                let body = buffer[start..<(start + count)]
                let end = buffer[(start + count)..<(start + count + 2)]
                start += count + 2
                state = .line
                guard end.elementsEqual([0x0D, 0x0A]) else { return .refused(.expectedCRLF) }
                let job = NewTubeJob(priority: priority, delay: delay, timeToRun: timeToRun, body: Array(body))
                return .command(nil, .put(job))
            case .discarded(let count, let reply):
                let discarded = min(count, unparsed)
                start += discarded
                guard discarded == count else {
                    state = .discarded(count - discarded, reply)
                    return nil
                }
                state = .line
                return .refused(reply)
            }
        }
    }

    /// Where the line ends, after its CR LF. As in beanstalkd only the first CR counts: a line with a CR that no LF
    /// follows has no end before it is too long.
    private static func end(of window: ArraySlice<UInt8>) -> Int? {
        guard let carriageReturn = window.firstIndex(of: 0x0D), carriageReturn + 1 < window.endIndex,
            window[carriageReturn + 1] == 0x0A
        else { return nil }
        return carriageReturn + 2
    }

    private mutating func parse(_ line: ArraySlice<UInt8>) -> Request {
        if line.contains(0) { return .refused(.badFormat) }
        guard let (name, rest) = CommandName.match(line) else { return .refused(.unknownCommand) }
        guard name == .put else { return name.request(LineReader(rest)) ?? .refused(.badFormat) }
        var reader = LineReader(rest)
        guard let priority = reader.number32(), let delay = reader.number32(), let timeToRun = reader.number32(),
            let count = reader.number32()
        else { return .refused(.badFormat) }
        // beanstalkd looks at the size first, and at the end of the line only then.
        guard Int(count) <= largestBody else {
            state = .discarded(Int(count) + 2, .jobTooBig)
            return Request(verb: .put, content: .bodyIsDiscarded)
        }
        guard reader.isAtEnd else { return .refused(.badFormat, .put) }
        state = .body(Int(count), priority: priority, delay: delay, timeToRun: max(1, timeToRun))
        return Request(verb: .put, content: .bodyFollows)
    }
}

/// The names of the commands, in the order in which they are compared: the first that the line begins with is its
/// command, whatever follows.
private enum CommandName: String, CaseIterable {
    case put = "put "
    case peek = "peek "
    case peekReady = "peek-ready"
    case peekDelayed = "peek-delayed"
    case peekBuried = "peek-buried"
    case reserveWithTimeout = "reserve-with-timeout "
    case reserveJob = "reserve-job "
    case reserve = "reserve"
    case delete = "delete "
    case release = "release "
    case bury = "bury "
    case kick = "kick "
    case kickJob = "kick-job "
    case touch = "touch "
    case statsJob = "stats-job "
    case statsTube = "stats-tube "
    case stats = "stats"
    case use = "use "
    case watch = "watch "
    case ignore = "ignore "
    case listTubesWatched = "list-tubes-watched"
    case listTubeUsed = "list-tube-used"
    case listTubes = "list-tubes"
    case quit = "quit"
    case pauseTube = "pause-tube"

    private static let bytes = allCases.map { (name: $0, bytes: Array($0.rawValue.utf8)) }

    static func match(_ line: ArraySlice<UInt8>) -> (CommandName, ArraySlice<UInt8>)? {
        for (name, bytes) in bytes where line.starts(with: bytes) { return (name, line.dropFirst(bytes.count)) }
        return nil
    }

    /// `nil`: what follows the name has another form than it should have.
    func request(_ rest: LineReader) -> Request? {
        var reader = rest
        switch self {
        case .put: return nil
        case .peek: return reader.lastID().map { .command(.peek, .peek($0)) }
        case .peekReady: return reader.isAtEnd ? .command(.peekReady, .peekNext(.ready)) : nil
        case .peekDelayed: return reader.isAtEnd ? .command(.peekDelayed, .peekNext(.delayed)) : nil
        case .peekBuried: return reader.isAtEnd ? .command(.peekBuried, .peekNext(.buried)) : nil
        case .reserve: return reader.isAtEnd ? .command(.reserve, .reserve(timeout: -1)) : nil
        case .reserveWithTimeout:
            switch reader.looseNumber(isSigned: true) {
            case .value(let number):
                return .command(.reserveWithTimeout, .reserve(timeout: Int32(truncatingIfNeeded: number)))
            case .none: return .command(.reserveWithTimeout, .reserve(timeout: 0))
            case .outOfRange: return nil
            }
        case .reserveJob: return reader.lastID().map { .command(.reserveJob, .reserveJob($0)) }
        case .delete: return reader.lastID().map { .command(.delete, .delete($0)) }
        case .release:
            guard let id = reader.id(), let priority = reader.number32(), let delay = reader.number32(),
                reader.isAtEnd
            else { return nil }
            return .command(.release, .release(id, priority: priority, delay: delay))
        case .bury:
            guard let id = reader.id(), let priority = reader.number32(), reader.isAtEnd else { return nil }
            return .command(.bury, .bury(id, priority: priority))
        case .kick:
            guard case .value(let number) = reader.looseNumber(isSigned: false) else { return nil }
            return .command(.kick, .kick(UInt32(truncatingIfNeeded: number)))
        case .kickJob: return reader.lastID().map { .command(.kickJob, .kickJob($0)) }
        case .touch: return reader.lastID().map { .command(.touch, .touch($0)) }
        case .statsJob: return reader.lastID().map { .command(.statsJob, .statsJob($0)) }
        case .statsTube: return reader.tube().map { .command(.statsTube, .statsTube($0)) }
        case .stats: return reader.isAtEnd ? .command(.stats, .stats) : nil
        case .use: return reader.tube().map { .command(.use, .use($0)) }
        case .watch: return reader.tube().map { .command(.watch, .watch($0)) }
        case .ignore: return reader.tube().map { .command(.ignore, .ignore($0)) }
        case .listTubesWatched: return reader.isAtEnd ? .command(.listTubesWatched, .listTubesWatched) : nil
        case .listTubeUsed: return reader.isAtEnd ? .command(.listTubeUsed, .listTubeUsed) : nil
        case .listTubes: return reader.isAtEnd ? .command(.listTubes, .listTubes) : nil
        case .quit: return .command(nil, .quit)
        case .pauseTube:
            guard let name = reader.word(), let seconds = reader.number32(), reader.isAtEnd else { return nil }
            guard let tube = TubeName.read(name) else {
                // beanstalkd counts the command once it has read a name and a number, and looks at the name's form then.
                return TubeName.hasOnlyAllowedBytes(name) ? .refused(.badFormat, .pauseTube) : nil
            }
            return .command(.pauseTube, .pauseTube(tube, seconds: seconds))
        }
    }
}
