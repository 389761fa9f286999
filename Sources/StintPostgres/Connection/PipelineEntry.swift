import StintCore

/// A request that was sent and is not answered yet, or waits to be sent.
///
/// Only on the reactor's thread, in its pool.
final class PipelineEntry {
    /// What the server answers, one after the other, before the end of the pipeline.
    enum Step {
        case preparation(of: Int)
        case statement(Int)
    }

    /// How it ended.
    enum Outcome: Sendable {
        case rows([PostgresRows])
        case refused(PostgresError)
        case lost(LostConnection)
        /// The server committed, and its standby may not have it.
        case notReplicated
        /// It was not sent.
        case failed(StintError)
    }

    let request: PipelineRequest
    private let continuation: CheckedContinuation<Outcome, Never>?
    private(set) var steps: [Step] = []
    private var answered = 0
    private var rows: [PostgresRows] = []
    private(set) var refusal: PostgresError?
    /// Whether the Sync is in libpq's buffer.
    var isComplete = false

    /// - Parameter continuation: `nil` if no caller waits for the outcome.
    init(_ request: PipelineRequest, _ continuation: CheckedContinuation<Outcome, Never>?) {
        self.request = request
        self.continuation = continuation
    }

    func expect(_ step: Step) { steps.append(step) }

    /// The step that the server answers next; `nil` if only the end of the pipeline is missing.
    var next: Step? { answered < steps.count ? steps[answered] : nil }

    /// Whether the server has nothing left to do but to commit.
    var isCommitting: Bool {
        switch request.kind {
        case .reading, .part: false
        case .writing: refusal == nil && answered == steps.count
        case .commit: refusal == nil && answered >= steps.count - 1
        }
    }

    func answer(_ result: PostgresResult) {
        if case .statement(let index)? = next, index >= request.prefixCount { rows.append(PostgresRows(result)) }
        answered += 1
    }

    func refuse(_ error: PostgresError?) {
        refusal = refusal ?? error
        answered += 1
    }

    /// What the loss of the connection means for it.
    ///
    /// - Parameter isUnsent: Whether its Sync is still in this process.
    func lost(_ reason: String, isUnsent: Bool) -> Outcome {
        // After an error the server rolls back, whatever happens to the connection.
        if let refusal { return .refused(refusal) }
        let mayHaveCommitted =
            switch request.kind {
            case .reading, .part: false
            case .writing, .commit: isComplete && !isUnsent
            }
        return .lost(LostConnection(reason: reason, mayHaveCommitted: mayHaveCommitted))
    }

    /// After the end of the pipeline.
    func end(_ isReplicated: Bool) -> Outcome {
        if let refusal { return .refused(refusal) }
        return isReplicated ? .rows(rows) : .notReplicated
    }

    func resume(_ outcome: Outcome) { continuation?.resume(returning: outcome) }
}
