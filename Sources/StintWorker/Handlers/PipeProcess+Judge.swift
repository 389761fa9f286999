import StintCore

/// What the end of a process means for the jobs that were in it.
extension PipeProcess {
    /// - Parameter consumed: How many bytes it had taken out of its standard input.
    func judge(_ end: ProcessEnd, consumed: Int) {
        let (flights, cause) = state.withLock { state in
            state.isOver = true
            defer { state.flights = [] }
            return (state.flights, state.cause)
        }
        whenOver.set(
            End(
                end: end, excerpt: (tail.text() ?? "").excerpt,
                failedAtStart: consumed == 0 && (cause?.isOurWish != true)))
        // Those that nobody waits for any more may be to blame too.
        let suspects = flights.count { $0.isRead(consumed) }
        for flight in flights {
            flight.timer?.cancel()
            if flight.isForgotten {
                flight.whenOver.set(.ended(.release, nil))
            } else if flight.isRead(consumed) {
                var dossier = Dossier(end, standardError: tail.text(since: flight.errorsBefore))
                dossier.runTimeMilliseconds = flight.runTime
                flight.whenOver.set(.ended(verdict(on: flight, cause, dossier, isAlone: suspects == 1), dossier))
            } else {
                flight.whenOver.set(.notStarted)
            }
        }
    }

    private func verdict(
        on flight: PipeFlight, _ cause: PipeEndCause?, _ dossier: Dossier, isAlone: Bool
    ) -> RunEnd.Verdict {
        switch cause {
        // Of several, one that hangs can have kept another from being answered, whose time is then over first.
        // It may have been answered in the last moment, too; then the one that is left is not the one that was late.
        case .timedOut(let number, let limit):
            return isAlone && number == flight.number ? .crashed("timed out after \(limit)", endedByUs: true) : .suspect
        // Known to be innocent: the process was ended by this side for another reason.
        case .ordered, .cancelled, .readsNothing: return .release
        case .protocolBroken(let what): return isAlone ? .failed(what, retryAfter: nil) : .suspect
        case .closedOutput:
            return isAlone
                ? .crashed("the handler closed its standard output without an answer", endedByUs: true) : .suspect
        case nil:
            guard isAlone else { return .suspect }
            let excerpt = (dossier.standardError ?? "").excerpt
            return .crashed(
                "the handler ended without an answer: \(dossier.howItEnded ?? "unseen")"
                    + (excerpt.isEmpty ? "" : ": \(excerpt)"))
        }
    }
}

extension PipeEndCause {
    /// Whether this side has ended the process through no fault of it.
    fileprivate var isOurWish: Bool {
        switch self {
        case .ordered, .cancelled: true
        case .timedOut, .protocolBroken, .closedOutput, .readsNothing: false
        }
    }
}
