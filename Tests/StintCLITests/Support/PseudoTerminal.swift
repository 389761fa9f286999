import Foundation
import StintPlatform
import Subprocess
import Testing

/// A terminal that exists in memory only: what a program draws on it can be read, and keys can be typed.
final class PseudoTerminal {
    private let ours: FileDescriptor
    private var isHungUp = false
    /// Held open, so that what the program wrote can be read after its end too.
    let theirs: FileDescriptor
    /// All that was written to it so far.
    private var shown: [UInt8] = []

    init(columns: UInt16, rows: UInt16) throws {
        var (ours, theirs): (CInt, CInt) = (-1, -1)
        guard openpty(&ours, &theirs, nil, nil, nil) == 0 else { throw Errno(rawValue: errno) }
        self.ours = FileDescriptor(rawValue: ours)
        self.theirs = FileDescriptor(rawValue: theirs)
        for end in [ours, theirs] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ours, F_SETFL, O_NONBLOCK)
        resize(columns: columns, rows: rows)
    }

    /// Closes it, as when its window is closed: its processes get SIGHUP.
    func hangUp() {
        if !isHungUp { close(ours.rawValue) }
        isHungUp = true
    }

    deinit {
        hangUp()
        close(theirs.rawValue)
    }

    func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        #expect(ioctl(theirs.rawValue, UInt(TIOCSWINSZ), &size) == 0)
    }

    func type(_ keys: String) throws {
        try ours.writeAll(keys.utf8)
    }

    /// How it treats keys: whether it shows them, and whether it waits for whole lines.
    var modes: tcflag_t {
        var modes = termios()
        #expect(tcgetattr(theirs.rawValue, &modes) == 0)
        return modes.c_lflag & tcflag_t(ICANON | ECHO)
    }

    /// All that was drawn so far, with its escapes.
    var text: String {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(ours.rawValue, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: shown, as: UTF8.self) }
            shown += buffer.prefix(count)
        }
    }

    /// The lines of the last whole picture, without escapes.
    var picture: [String] {
        let pictures = text.components(separatedBy: "\u{1B}[1;1H").dropFirst()
        guard let last = pictures.last(where: { $0.contains("\u{1B}[J") }) else { return [] }
        return last.replacing(#/\x1B\[J.*/#.dotMatchesNewlines(), with: "").replacing(#/\x1B\[\d+;1H/#, with: "\n")
            .replacing(#/\x1B\[\d*[mK]/#, with: "").split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }
}

extension Workplace {
    /// Runs a `stint` on a terminal and does `body` meanwhile.
    func stint(
        _ arguments: String..., on terminal: PseudoTerminal, environment: [Environment.Key: String?] = [:],
        _ body: (RunningProcess) async throws -> Void
    ) async throws -> Outcome {
        try await run(Self.stint, arguments, on: terminal, environment: environment, body)
    }

    /// The same with any program.
    func run(
        _ program: String, _ arguments: [String], on terminal: PseudoTerminal,
        environment: [Environment.Key: String?] = [:], _ body: (RunningProcess) async throws -> Void
    ) async throws -> Outcome {
        let environment = ["TERM": "xterm-256color", "NO_COLOR": nil].merging(environment) { $1 }
        let longestRun = LongestRun()
        defer { longestRun.end() }
        let result = try await Subprocess.run(
            configuration(program, Arguments(arguments), environment, PlatformOptions()),
            input: .fileDescriptor(terminal.theirs, closeAfterSpawningProcess: false),
            output: .fileDescriptor(terminal.theirs, closeAfterSpawningProcess: false), error: .string(limit: 1 << 20)
        ) { execution in
            let process = RunningProcess(id: execution.processIdentifier.value)
            longestRun.begin(process)
            try await body(process)
        }
        return Outcome(status: result.terminationStatus, bytes: [], errors: result.standardError)
    }
}
