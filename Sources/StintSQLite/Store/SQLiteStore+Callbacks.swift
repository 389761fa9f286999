import StintCore

extension SQLiteStore: CallbackStore {
    package func startEnqueue(
        _ jobs: [NewJob], answer: @escaping @Sendable (Result<[Enqueued], any Error>) -> Void
    ) {
        guard !jobs.isEmpty else { return answer(.success([])) }
        begin(answer) { open, answer in
            open.transactions.write(
                weight: jobs.count, diskFull: .refuse, answer: answer,
                { [self] transaction in
                    try check(.enqueue, transaction)
                    return (enqueued: try transaction.enqueue(jobs), revokes: transaction.revokes)
                },
                afterwards: { [revocations = open.revocations] result, _ in
                    if result.revokes { revocations.change() }
                    return result.enqueued
                }, needsSync: { _, _ in true })
        }
    }

    package func startExchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<Exchange, any Error>) -> Void
    ) {
        guard !settlements.isEmpty || request != nil else { return answer(.success(Exchange())) }
        begin(answer) { open, answer in
            open.transactions.write(
                weight: Self.weight(settlements, request), diskFull: Self.diskFull(of: settlements, request),
                answer: answer, { [self] in try exchange(settlements, request, $0) },
                afterwards: { [payloadLoader = open.payloadLoader] in
                    Self.load($0, within: request?.budget ?? .standard, payloadLoader, $1)
                }, needsSync: { Self.needsSync($0, $1, for: request) })
        }
    }

    /// Begins a call that is over when it is answered.
    ///
    /// - Parameters:
    ///   - answer: Gets the error if the store is closed.
    ///   - call: Answers once, with what it is given.
    func begin<Value>(
        _ answer: @escaping @Sendable (Result<Value, any Error>) -> Void,
        _ call: (OpenFile, _ answer: @escaping @Sendable (Result<Value, any Error>) -> Void) -> Void
    ) {
        let open: OpenFile
        do { open = try beginCall() } catch { return answer(.failure(error)) }
        call(open) { [self] result in
            answer(result)
            endCall()
        }
    }
}
