import StintCore

/// Classifies the jobs that a process had when it ended.
extension PipeProcess {
    /// - Parameter consumed: How many bytes it had taken out of its standard input.
    func classifyExit(_ end: ProcessEnd, consumed: Int) {
        let (requests, cause) = state.withLock { state in
            state.isOver = true
            defer { state.requests = [] }
            return (state.requests, state.cause)
        }
        response.set(
            End(
                end: end, excerpt: (tail.text() ?? "").excerpt,
                failedAtStart: consumed == 0 && (cause?.isOurWish != true)))
        // Cancelled jobs may be to blame too.
        let suspects = requests.count { $0.isRead(consumed) }
        for request in requests {
            request.timer?.cancel()
            if request.isForgotten {
                request.response.set(.ended(.release, nil))
            } else if request.isRead(consumed) {
                var diagnostics = AttemptDiagnostics(end, standardError: tail.text(since: request.errorsBefore))
                diagnostics.runTimeMilliseconds = request.runTime
                request.response.set(
                    .ended(verdict(on: request, cause, diagnostics, isAlone: suspects == 1), diagnostics))
            } else {
                request.response.set(.notStarted)
            }
        }
    }

    private func verdict(
        on request: PipeRequest, _ cause: TerminationReason?, _ diagnostics: AttemptDiagnostics, isAlone: Bool
    ) -> HandlerOutcome.Verdict {
        switch cause {
        // If there are several, a hanging job can have blocked another one, whose time is then over first. If the late
        // job was answered in the last moment, the one that is left is not the late one.
        case .timedOut(let number, let limit):
            return isAlone && number == request.number
                ? .crashed("timed out after \(limit)", endedByUs: true) : .suspect
        // The jobs are not to blame: this side ended the process for another reason.
        case .ordered, .cancelled, .readsNothing: return .release
        case .protocolBroken(let what): return isAlone ? .failed(what, retryAfter: nil) : .suspect
        case .closedOutput:
            return isAlone
                ? .crashed("the handler closed its standard output without an answer", endedByUs: true) : .suspect
        case nil:
            guard isAlone else { return .suspect }
            let excerpt = (diagnostics.standardError ?? "").excerpt
            return .crashed(
                "the handler ended without an answer: \(diagnostics.howItEnded ?? "it is not known how")"
                    + (excerpt.isEmpty ? "" : ": \(excerpt)"))
        }
    }
}

extension TerminationReason {
    /// Whether this side has ended the process without a fault of it.
    fileprivate var isOurWish: Bool {
        switch self {
        case .ordered, .cancelled: true
        case .timedOut, .protocolBroken, .closedOutput, .readsNothing: false
        }
    }
}
