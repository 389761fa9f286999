#if STINT_MUTATIONS
    import StintCore

    extension SQLiteStore {
        /// Answers a supervisor's worker that its acks are done, and makes them a moment later.
        ///
        /// - Returns: Whether it did.
        func answersEarly(
            _ settlements: [Settlement], _ request: ClaimRequest?,
            _ answer: (Result<ClaimedExchange, any Error>) -> Void
        ) -> Bool {
            guard RemovedGuard.earlyAnswer.isRemoved, request == nil, settlements.allSatisfy(\.isAck) else {
                return false
            }
            answer(.success(ClaimedExchange(answers: settlements.map { _ in .settled(.done) })))
            Task {
                try await Task.sleep(for: .milliseconds(50))
                _ = try await exchange(settlements, for: nil)
            }
            return true
        }
    }

    extension Settlement {
        fileprivate var isAck: Bool { if case .ack = outcome { true } else { false } }
    }
#endif
