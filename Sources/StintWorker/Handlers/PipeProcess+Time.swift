import StintCore

/// Jobs that nobody waits for any more, and jobs that take too long.
extension PipeProcess {
    func forget(_ flight: PipeFlight) {
        let (isReleased, isAbandoned) = state.withLock { state -> (Bool, Bool) in
            guard let index = state.index(of: flight) else { return (false, false) }
            guard state.flights[index].isSent else {
                state.flights.remove(at: index)
                return (true, false)
            }
            state.flights[index].isForgotten = true
            state.flights[index].timer?.cancel()
            let isAbandoned = state.isAbandoned
            return (!isAbandoned, isAbandoned)
        }
        if isReleased { flight.whenOver.set(.ended(.release, nil)) }
        if isAbandoned { terminate(.cancelled, after: Self.termination) }
    }

    /// Ends the process where it is at work only for jobs that nobody waits for.
    func endIfAbandoned() {
        if state.withLock({ $0.isAbandoned }) { terminate(.cancelled, after: Self.termination) }
    }

    /// Calls ``timeIsOver(_:)`` when the job has had its time.
    func timer(_ flight: PipeFlight) -> Task<Void, Never>? {
        guard let timeout = flight.timeout else { return nil }
        return Task {
            do { try await Task.sleepAwake(for: timeout) } catch { return }
            await timeIsOver(flight, timeout)
        }
    }

    /// Kills the process where it has read the job. Else the job has not begun, and its time begins anew: the process
    /// still starts, or is at work for another. One that reads nothing for a minute, or for the job's time where that is
    /// longer, while it is at work for nobody, is killed, and the job goes to the next process.
    private func timeIsOver(_ flight: PipeFlight, _ timeout: Duration) async {
        let consumed = await input.taken()
        let cause = state.withLock { state -> PipeEndCause? in
            guard state.cause == nil, let index = state.index(of: flight) else { return nil }
            if state.flights[index].isRead(consumed) { return .timedOut(flight: flight.number, after: timeout) }
            let isAtWork = state.flights.contains { !$0.isForgotten && $0.isRead(consumed) }
            let waited = state.flights[index].sentAt.map { ContinuousClock.now - $0 } ?? .zero
            if !isAtWork && waited >= max(timeout, Self.longestStart) { return .readsNothing }
            state.flights[index].timer = timer(flight)
            return nil
        }
        if let cause { terminate(cause, after: Self.shortTermination) }
    }
}

extension PipeProcess.State {
    /// Whether jobs are in the process, and nobody waits for any of them.
    var isAbandoned: Bool {
        let sent = flights.filter(\.isSent)
        return !sent.isEmpty && sent.allSatisfy(\.isForgotten)
    }
}
