import StintCore

/// Cancelled jobs, and jobs that take too long.
extension PipeProcess {
    func forget(_ request: PipeRequest) {
        enum Step {
            case nothing, release, tell, end
        }
        let step = state.withLock { state -> Step in
            guard let index = state.index(of: request) else { return .nothing }
            guard state.requests[index].isSent else {
                state.requests.remove(at: index)
                return .release
            }
            state.requests[index].isForgotten = true
            state.requests[index].timer?.cancel()
            if state.acceptsCancel, state.cause == nil {
                state.requests[index].isToldToStop = true
                return .tell
            }
            return state.isAbandoned ? .end : .release
        }
        switch step {
        case .nothing: return
        case .release: request.response.set(.ended(.release, nil))
        case .tell: tellToStop(request)
        case .end: terminate(.cancelled, after: Self.termination)
        }
    }

    /// Jobs may have been cancelled before the process said that it takes the line for it.
    func take(_ greeting: PipeGreeting) {
        let cancelled = state.withLock { state -> [PipeRequest] in
            defer { state.acceptsCancel = greeting.acceptsCancel }
            guard greeting.acceptsCancel, !state.acceptsCancel, state.cause == nil else { return [] }
            return state.requests.filter { $0.isSent && $0.isForgotten }
        }
        for request in cancelled { writeCancelLine(request) }
    }

    private func writeCancelLine(_ request: PipeRequest) {
        input.write({ _ in PipeJob.cancelLine(request.context.lease) }, done: { _ in })
    }

    /// Writes the line that cancels a job. If no answer comes, the process is ended unless it has other jobs.
    private func tellToStop(_ request: PipeRequest) {
        writeCancelLine(request)
        Task {
            do { try await Task.sleep(for: Self.cancellation) } catch { return }
            let (isUnanswered, isAbandoned) = state.withLock { state -> (Bool, Bool) in
                guard let index = state.index(of: request) else { return (false, false) }
                state.requests[index].isToldToStop = false
                return (true, state.isAbandoned)
            }
            guard isUnanswered else { return }
            if isAbandoned {
                terminate(.cancelled, after: Self.termination)
            } else {
                request.response.set(.ended(.release, nil))
            }
        }
    }

    /// Ends the process if all jobs in it are cancelled.
    func endIfAbandoned() {
        if state.withLock({ $0.isAbandoned }) { terminate(.cancelled, after: Self.termination) }
    }

    /// Calls ``timeIsOver(_:_:)`` when the job's time limit has passed.
    func timer(_ request: PipeRequest) -> Task<Void, Never>? {
        guard let timeout = request.timeout else { return nil }
        return Task {
            do { try await Task.sleepAwake(for: timeout) } catch { return }
            await timeIsOver(request, timeout)
        }
    }

    /// Kills the process if it has read the job. Otherwise the job has not begun, and its time starts again: the
    /// process still starts, or works on another job. If a process that works on no job reads nothing for a minute, or
    /// for the job's time limit if that is longer, it is killed, and the job goes to the next process.
    private func timeIsOver(_ request: PipeRequest, _ timeout: Duration) async {
        let consumed = await input.taken()
        let cause = state.withLock { state -> TerminationReason? in
            guard state.cause == nil, let index = state.index(of: request) else { return nil }
            if state.requests[index].isRead(consumed) { return .timedOut(request: request.number, after: timeout) }
            let isAtWork = state.requests.contains { !$0.isForgotten && $0.isRead(consumed) }
            let waited = state.requests[index].sentAt.map { ContinuousClock.now - $0 } ?? .zero
            if !isAtWork && waited >= max(timeout, Self.longestStart) { return .readsNothing }
            state.requests[index].timer = timer(request)
            return nil
        }
        if let cause { terminate(cause, after: Self.shortTermination) }
    }
}

extension PipeProcess.State {
    /// Whether there are jobs in the process, all of them are cancelled, and none has time left to answer.
    var isAbandoned: Bool {
        let sent = requests.filter(\.isSent)
        return !sent.isEmpty && sent.allSatisfy { $0.isForgotten && !$0.isToldToStop }
    }
}
