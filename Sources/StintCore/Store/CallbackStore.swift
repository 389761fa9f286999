/// A store whose busiest verbs can be begun without a task. A server that serves all of its connections on one thread saves the
/// switches of a task with it.
package protocol CallbackStore: JobStore {
    /// The same as ``JobStore/enqueue(_:)``.
    ///
    /// - Parameter answer: Called once, when the transaction is durable or has failed, on any thread, perhaps before this returns.
    ///   It must not block.
    func startEnqueue(_ jobs: [NewJob], answer: @escaping @Sendable (Result<[Enqueued], any Error>) -> Void)

    /// The same as ``JobStore/exchange(_:for:)``.
    ///
    /// - Parameter answer: As with ``startEnqueue(_:answer:)``. A claim with ``ClaimRequest/durableUpTo`` may be answered before it is
    ///   on disk.
    func startExchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<Exchange, any Error>) -> Void)
}

/// Makes a ``CallbackStore`` of any store, with a task for each call.
package struct TaskCallbackStore: CallbackStore, ForwardingStore {
    package let base: any JobStore

    package init(_ base: any JobStore) { self.base = base }

    package func startEnqueue(
        _ jobs: [NewJob], answer: @escaping @Sendable (Result<[Enqueued], any Error>) -> Void
    ) {
        Task {
            do { answer(.success(try await base.enqueue(jobs))) } catch { answer(.failure(error)) }
        }
    }

    package func startExchange(
        _ settlements: [Settlement], for request: ClaimRequest?,
        answer: @escaping @Sendable (Result<Exchange, any Error>) -> Void
    ) {
        Task {
            do { answer(.success(try await base.exchange(settlements, for: request))) } catch {
                answer(.failure(error))
            }
        }
    }
}
