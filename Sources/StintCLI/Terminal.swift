import Dispatch
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What there is to know of the terminal that standard output goes to.
enum Terminal {
    /// Whether a program can draw there wherever it likes.
    static var canDraw: Bool {
        isatty(STDOUT_FILENO) == 1 && !["", "dumb"].contains(variable("TERM"))
    }

    /// Not where the user does not want any (https://no-color.org).
    static var hasColours: Bool { canDraw && variable("NO_COLOR").isEmpty }

    /// 80 by 24 where it does not say.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return (80, 24) }
        return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    private static func variable(_ name: String) -> String {
        ProcessInfo.processInfo.environment[name] ?? ""
    }
}

/// The whole terminal, from ``enter()`` to ``leave()``: what it showed before comes back afterwards, and so do its
/// cursor and the way it treats keys.
final class Screen {
    /// How the keyboard was before; `nil` where standard input is no terminal.
    private var modes: termios?

    func enter() throws {
        var modes = termios()
        if tcgetattr(STDIN_FILENO, &modes) == 0 {
            self.modes = modes
            // Keys come at once and are not shown. Ctrl-C stays a signal.
            modes.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(STDIN_FILENO, TCSADRAIN, &modes)
        }
        // The alternate screen, without cursor, and lines that are too long do not wrap.
        try Output.write(Array("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l".utf8))
    }

    /// Shows these lines and nothing else. In one write, so that nobody sees half of them.
    func draw(_ lines: [String]) throws {
        var text = ""
        for (index, line) in lines.enumerated() { text += "\u{1B}[\(index + 1);1H\u{1B}[2K\(line)" }
        text += "\u{1B}[\(lines.count + 1);1H\u{1B}[J"
        try Output.write(Array(text.utf8))
    }

    func leave() throws {
        if var modes { tcsetattr(STDIN_FILENO, TCSADRAIN, &modes) }
        modes = nil
        try Output.write(Array("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l".utf8))
    }
}

/// What the user does, for as long as this value lives.
final class TerminalEvents {
    enum Event: Sendable {
        /// `q`, Ctrl-C, SIGTERM, or the terminal has gone.
        case quit
        case resized
        /// Ctrl-Z.
        case suspended
    }

    private var sources: [any DispatchSourceProtocol] = []

    /// - Parameter report: Called on a queue of its own.
    init(_ report: @escaping @Sendable (Event) -> Void) {
        let queue = DispatchQueue(label: "stint.terminal")
        let signals: [(CInt, Event)] = [
            (SIGINT, .quit), (SIGTERM, .quit), (SIGHUP, .quit), (SIGWINCH, .resized), (SIGTSTP, .suspended),
        ]
        for (number, event) in signals {
            #if canImport(Darwin)
                // There kqueue sees a signal that is ignored; on Linux Dispatch sees only one that is not.
                signal(number, SIG_IGN)
            #endif
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { report(event) }
            sources.append(source)
        }
        for source in sources { source.resume() }
        if isatty(STDIN_FILENO) == 1 { Thread.detachNewThread { Self.readKeys(report) } }
    }

    /// Until `q`, or until the terminal has gone. A thread that waits, and not a source: on Linux, Dispatch reads memory
    /// that it has freed when a descriptor that it watches is hung up
    /// (https://github.com/swiftlang/swift-corelibs-libdispatch/issues/949).
    private static func readKeys(_ report: (Event) -> Void) {
        // Signals are for the other threads.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        var keys = [UInt8](repeating: 0, count: 64)
        while true {
            let count = Platform.read(STDIN_FILENO, &keys, keys.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 || keys.prefix(count).contains(where: { "qQ".utf8.contains($0) }) { return report(.quit) }
        }
    }

    deinit {
        for source in sources { source.cancel() }
    }
}
