import Foundation

/// What a job does to the process that runs it. The payload names it: `segfault`, or `good 17`.
enum CrashMode: String {
    case segfault, trap, exit, abort, memory, killed, hang
    /// Sends its supervisor an invalid message: a frame that would have 4 GiB.
    case garble
    /// Waits until the file `go` exists.
    case wait
    case good

    init(payload: String) {
        let word = payload.split(separator: " ").first.map(String.init) ?? ""
        guard let mode = CrashMode(rawValue: word) else { fatalError("no such mode: \(payload)") }
        self = mode
    }

    /// Notes the start, as a line in the file `starts` of the current folder, and does it.
    func perform(_ job: String) {
        Self.append("\(job) \(rawValue)", to: "starts")
        switch self {
        case .good: return
        case .wait: while access("go", F_OK) != 0 { usleep(2_000) }
        case .segfault:
            // Written so that the compiler does not see through it.
            UnsafeMutablePointer<Int>(bitPattern: Int(getpid()) & 7 + 8)?.pointee = 1
        case .trap:
            let none: [Int] = CommandLine.arguments.filter { $0 == "never" }.map(\.count)
            print(none[0])
        case .exit: Foundation.exit(1)
        case .abort: Foundation.abort()
        case .memory: Self.eatMemory()
        case .killed:
            Self.append("\(getpid())", to: "victims")
            while true { sleep(3_600) }
        case .garble:
            guard write(3, [0, 255, 255, 255, 255] as [UInt8], 5) == 5 else { fatalError("it has no supervisor") }
            while true { sleep(3_600) }
        case .hang: while true { sleep(3_600) }
        }
    }

    private static func eatMemory() {
        var hoard: [UnsafeMutableRawPointer] = []
        while true {
            let more = UnsafeMutableRawPointer.allocate(byteCount: 1 << 24, alignment: 16)
            memset(more, 1, 1 << 24)
            hoard.append(more)
        }
    }

    private static func append(_ line: String, to file: String) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { fatalError("\(file) cannot be opened") }
        defer { close(descriptor) }
        let bytes = Array("\(line)\n".utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { fatalError("\(file) cannot be written") }
    }
}
