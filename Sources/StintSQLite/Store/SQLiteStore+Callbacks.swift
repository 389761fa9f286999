import StintCore

extension SQLiteStore: CallbackStore {
    package func startEnqueue(
        _ jobs: [NewJob], answer: @escaping @Sendable (Result<[Enqueued], any Error>) -> Void
    ) {
        guard !jobs.isEmpty else { return answer(.success([])) }
        begin(answer) { open, answer in
            open.transactions.write(
                writeCall(open, weight: jobs.count, diskFull: .refuse, fence: .enqueue) { try $0.enqueue(jobs) },
                answer: answer)
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
