import GRDB
import StintCore

/// Settles jobs and claims others in one transaction, for callers that wait, for those that do not, and for a supervisor
/// whose workers read the payloads themselves.
extension SQLiteStore {
    public func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?
    ) async throws -> Exchange {
        guard !settlements.isEmpty || request != nil else { return Exchange() }
        let open = try beginCall()
        defer { endCall() }
        return try await open.transactions.write(loadingCall(settlements, for: request, open))
    }

    package func startExchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<Exchange, any Error>) -> Void
    ) {
        guard !settlements.isEmpty || request != nil else { return answer(.success(Exchange())) }
        begin(answer) { open, answer in
            open.transactions.write(loadingCall(settlements, for: request, open), answer: answer)
        }
    }

    package func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<ClaimedExchange, any Error>) -> Void
    ) {
        #if STINT_MUTATIONS
            if answersEarly(settlements, request, answer) { return }
        #endif
        begin(answer) { open, answer in
            open.transactions.write(exchangeCall(settlements, for: request) { claimed, _ in claimed }, answer: answer)
        }
    }

    private func loadingCall(
        _ settlements: [Settlement], for request: ClaimRequest?, _ open: OpenFile
    ) -> WriteCall<ClaimedExchange, Exchange> {
        exchangeCall(settlements, for: request) { [payloadLoader = open.payloadLoader] claimed, database in
            let (jobs, isCut) = payloadLoader.jobs(of: claimed.jobs, within: request?.budget ?? .standard, database)
            return Exchange(answers: claimed.answers, jobs: jobs, isCut: isCut, passedOver: claimed.passedOver)
        }
    }

    private func exchangeCall<Answer: Sendable>(
        _ settlements: [Settlement], for request: ClaimRequest?,
        afterwards: @escaping @Sendable (ClaimedExchange, Database) -> Answer
    ) -> WriteCall<ClaimedExchange, Answer> {
        WriteCall(
            weight: settlements.count + (request?.limit ?? 0), diskFull: Self.diskFull(of: settlements, request)
        ) { [self] transaction in
            try check(.change, transaction)
            let answers = try transaction.settle(settlements)
            let claim = try request.map { try transaction.claim($0) } ?? Claim()
            return ClaimedExchange(answers: answers, jobs: claim.jobs, passedOver: claim.passedOver)
        } afterwards: { claimed, database in
            afterwards(claimed, database)
        } needsSync: { exchange, hasChanges in
            guard exchange.answers.isEmpty else { return true }
            if let known = request?.durableUpTo { return exchange.jobs.contains { $0.lease.job > known } }
            return hasChanges || !exchange.jobs.isEmpty
        }
    }
}
