import Dispatch
import Foundation
import StintPlatform

/// Reports what the user does, as long as this value lives.
final class TerminalEvents {
    enum Event: Sendable {
        /// `q`, Ctrl-C, SIGTERM, or the terminal is gone.
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
            SignalDisposition.prepareForDispatch(number)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { report(event) }
            sources.append(source)
        }
        for source in sources { source.resume() }
        if isatty(STDIN_FILENO) == 1 { Thread.detachNewThread { Self.readKeys(report) } }
    }

    /// Reads keys until `q` or until the terminal is gone. It is a thread and no Dispatch source: on Linux, Dispatch
    /// reads freed memory when a descriptor that it watches is hung up
    /// (https://github.com/swiftlang/swift-corelibs-libdispatch/issues/949).
    private static func readKeys(_ report: (Event) -> Void) {
        // Signals are for the other threads.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        var keys = [UInt8](repeating: 0, count: 64)
        while true {
            let count = StintPlatform.read(STDIN_FILENO, &keys, keys.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 || keys.prefix(count).contains(where: { "qQ".utf8.contains($0) }) { return report(.quit) }
        }
    }

    deinit {
        for source in sources { source.cancel() }
    }
}
