import Synchronization

/// A value that is set once, from any thread. Any number of tasks can wait for it.
final class Promise<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiting: [Int: CheckedContinuation<Value?, Never>] = [:]
        var cancelled: Set<Int> = []
        var lastNumber = 0
    }

    private let state = Mutex(State())

    /// The first value counts; later ones change nothing.
    func set(_ value: Value) {
        let waiting = state.withLock { state in
            guard state.value == nil else { return [CheckedContinuation<Value?, Never>]() }
            state.value = value
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    var isSet: Bool { state.withLock { $0.value != nil } }

    /// Waits for the value, also in a cancelled task.
    func value() async -> Value {
        let value = await withCheckedContinuation { wait(with: $0) }
        guard let value else { preconditionFailure("a wait that cannot be cancelled was cancelled") }
        return value
    }

    /// Waits for the value or for the cancellation of this task; `nil` then.
    func valueUnlessCancelled() async -> Value? {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { wait(with: $0, as: number) }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Value?, Never>? in
                if let waiting = state.waiting.removeValue(forKey: number) { return waiting }
                state.cancelled.insert(number)
                return nil
            }
            continuation?.resume(returning: nil)
        }
    }

    private func wait(with continuation: CheckedContinuation<Value?, Never>, as number: Int? = nil) {
        let (isOver, value) = state.withLock { state -> (Bool, Value?) in
            if let value = state.value { return (true, value) }
            if let number, state.cancelled.remove(number) != nil { return (true, nil) }
            if number == nil { state.lastNumber += 1 }
            state.waiting[number ?? state.lastNumber] = continuation
            return (false, nil)
        }
        if isOver { continuation.resume(returning: value) }
    }
}
