import Dispatch
import StintPlatform
import StintWorker
import Synchronization

/// The signals that end a command with a progress bar (Ctrl-C, SIGTERM, a terminal that is closed): they end it all the
/// same, and the bar is taken away before, so that the shell's next line does not begin behind it.
///
/// `@unchecked Sendable`: what it has is made once and not touched again.
final class EndingSignals: @unchecked Sendable {
    private static let shared = EndingSignals()

    private var sources: [any DispatchSourceSignal] = []

    /// What is said at the end.
    private static let lastWords = Mutex<String?>(nil)

    /// Begins to handle the signals; a second call does nothing.
    static func takeBarAway() { _ = shared }

    /// The same. If a signal ends this process, it says this on standard error before.
    static func takeBarAway(saying words: String) {
        lastWords.withLock { $0 = words }
        takeBarAway()
    }

    static func saysNothing() { lastWords.withLock { $0 = nil } }

    private init() {
        let queue = DispatchQueue(label: "stint.signals")
        // If the parent started this process with a signal ignored (nohup), it stays ignored.
        for number in [SIGINT, SIGTERM, SIGHUP] where !SignalDisposition.ignores(number) {
            SignalDisposition.prepareForDispatch(number)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { Self.end(by: number) }
            source.resume()
            sources.append(source)
        }
    }

    private static func end(by number: CInt) {
        ProgressBar.clearForGood()
        if let words = lastWords.withLock({ $0 }) {
            OutputDestination.standardError.log(Array("stint: \(words)\n".utf8))
            OutputDestination.standardError.flush(within: .milliseconds(200))
        }
        signal(number, SIG_DFL)
        var only = sigset_t()
        sigemptyset(&only)
        sigaddset(&only, number)
        pthread_sigmask(SIG_UNBLOCK, &only, nil)
        raise(number)
    }
}
