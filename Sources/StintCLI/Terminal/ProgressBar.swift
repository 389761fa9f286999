import StintPlatform
import StintWorker
import Synchronization

/// Shows the progress of long work: a bar on a terminal, a plain line every few seconds on standard error otherwise.
struct ProgressBar {
    private static let width = 30

    private let total: Int?
    /// Whether the caller must not wait for a terminal that does not read.
    private let neverWaits: Bool
    /// Standard error if it is a terminal, otherwise standard output if that is one.
    private let terminal: Int32?
    private var lastShown: ContinuousClock.Instant
    /// Where a bar is drawn now. It is shared by the whole process, so that other output can clear the bar first.
    private static let drawn = Mutex<(terminal: Int32, neverWaits: Bool)?>(nil)
    /// The process is about to end by a signal.
    private static let isOver = Atomic(false)

    /// - Parameter total: The amount of work, if it is known from the start.
    init(total: Int?, neverWaits: Bool = false) {
        self.total = total
        self.neverWaits = neverWaits
        terminal = [STDERR_FILENO, STDOUT_FILENO].first { isatty($0) == 1 }
        lastShown = .now
    }

    /// Shows the progress. It can be called often and draws at most ten times a second.
    mutating func update(_ done: Int, of total: Int? = nil, _ text: String) {
        let interval: Duration = terminal == nil ? .seconds(5) : .milliseconds(100)
        guard ContinuousClock.now - lastShown >= interval else { return }
        lastShown = .now
        guard let terminal else { return Output.tell(text) }
        var line = "\r\u{1B}[2K"
        if let total = total ?? self.total, total > 0 {
            let share = min(1, max(0, Double(done) / Double(total)))
            let filled = Int(share * Double(Self.width))
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
            line += "\(bar) \(Int(share * 100))% "
        }
        // A caller that must not wait handles signals itself.
        if !neverWaits { EndingSignals.takeBarAway() }
        Self.drawn.withLock { $0 = (terminal, neverWaits) }
        Self.draw(line + text, on: terminal, neverWaits: neverWaits)
    }

    /// Clears the bar.
    func finish() { Self.clear() }

    /// Clears any bar of this process.
    static func clear() {
        let bar = drawn.withLock { bar in
            defer { bar = nil }
            return bar
        }
        if let bar { draw("\r\u{1B}[2K", on: bar.terminal, neverWaits: bar.neverWaits) }
    }

    /// The same as the last thing that this process does: nothing is drawn any more, and a terminal that takes nothing
    /// is not waited for.
    static func clearForGood() {
        isOver.store(true, ordering: .releasing)
        guard let bar = drawn.withLock({ $0 }) else { return }
        let destination = destination(of: bar.terminal)
        destination.log(Array("\r\u{1B}[2K".utf8))
        destination.flush(within: .milliseconds(200))
    }

    private static func draw(_ text: String, on terminal: Int32, neverWaits: Bool) {
        guard !isOver.load(ordering: .acquiring) else { return }
        let bytes = Array(text.utf8)
        if neverWaits { return destination(of: terminal).log(bytes) }
        _ = bytes.withUnsafeBytes { StintPlatform.write(terminal, $0.baseAddress, $0.count) }
    }

    private static func destination(of terminal: Int32) -> OutputDestination {
        terminal == STDERR_FILENO ? .standardError : .standardOutput
    }
}
