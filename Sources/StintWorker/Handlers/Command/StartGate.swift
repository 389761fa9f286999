import Logging
import StintCore
import Synchronization

/// Between a handler that starts processes and its worker: the handler reports how its starts went, and the worker asks
/// how many more jobs it may start. See ``StartPacing``.
///
/// A job whose process could not be started is given back at no cost. The problem is logged at once and then once a
/// minute, and its end is logged too.
final class StartGate: Sendable {
    private struct State {
        var pacing = StartPacing()
        /// Commands that have started and not ended.
        var running = 0
        var concurrency = 1
        var onChange: (@Sendable () -> Void)?
        var lastFailure: String?
    }

    private let program: String
    private let state = Mutex(State())

    init(program: String) {
        self.program = program
    }

    // MARK: - For the worker

    /// - Parameters:
    ///   - concurrency: How many jobs the worker wants to run at once.
    ///   - onChange: Called if more may be started than before.
    func join(concurrency: Int, onChange: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.concurrency = concurrency
            state.onChange = onChange
        }
    }

    func allowance(at now: ContinuousClock.Instant = .now) -> (count: Int, changesIn: Duration?) {
        state.withLock { $0.pacing.allowance(running: $0.running, at: now) }
    }

    /// Why the last start that failed did so.
    var lastFailure: String? { state.withLock { $0.lastFailure } }

    /// Whether this process cannot start processes or threads any more.
    var isExhausted: Bool { state.withLock { $0.pacing.isExhausted } }

    var isBackingOff: Bool { state.withLock { $0.pacing.isBackingOff } }

    /// A job is passed to the handler; ``end()`` follows.
    func begin() { state.withLock { $0.pacing.begin() } }

    func end() { state.withLock { $0.pacing.end() } }

    // MARK: - For the handler

    /// A process has started. For a command that runs a single job, ``commandEnded()`` follows.
    func started(isCommand: Bool, _ logger: Logger) {
        let (notice, onChange) = state.withLock { state in
            if isCommand { state.running += 1 }
            let notice = state.pacing.started(
                running: isCommand ? state.running : .max, concurrency: state.concurrency, at: .now)
            return (notice, state.onChange)
        }
        guard let notice else { return }
        log(notice, "", "", logger)
        onChange?()
    }

    func commandEnded() { state.withLock { $0.running -= 1 } }

    func failed(_ failure: StartFailure, _ fault: StartFailure.Fault, _ logger: Logger) {
        failed("\(failure)", failure.advice, fault, isExhaustion: failure.isExhaustion, logger)
    }

    /// - Parameters:
    ///   - reason: What went wrong.
    ///   - advice: What to do about it.
    func failed(
        _ reason: String, _ advice: String, _ fault: StartFailure.Fault, isExhaustion: Bool = false, _ logger: Logger
    ) {
        let notice = state.withLock { state in
            state.lastFailure = reason
            return state.pacing.failed(fault, isExhaustion: isExhaustion, running: state.running, at: .now)
        }
        if let notice { log(notice, reason, advice, logger) }
    }

    private func log(_ notice: StartPacing.Notice, _ reason: String, _ advice: String, _ logger: Logger) {
        var logger = logger
        // The problem belongs to no single job.
        for key in ["job", "queue", "attempt", "token", "job-name"] { logger[metadataKey: key] = nil }
        var metadata: Logger.Metadata = ["handler": "\(program)", "reason": "\(reason)", "to-do": "\(advice)"]
        switch notice {
        case .cannotStart(let times):
            metadata["times"] = "\(times)"
            logger.error(
                """
                the handler cannot be started; its jobs are given back at no cost, and it is tried again \
                after growing delays
                """,
                metadata: metadata)
        case .limited(let count):
            metadata["at-once"] = "\(count)"
            logger.error(
                "the machine allows no more handlers at once than run now; one more is tried from time to time",
                metadata: metadata)
        case .startsAgain: logger.notice("the handler works again", metadata: ["handler": "\(program)"])
        case .limitLifted: logger.notice("all handlers can run at once again", metadata: ["handler": "\(program)"])
        }
    }
}
