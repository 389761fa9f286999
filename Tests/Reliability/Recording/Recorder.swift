import History
import StintCore
import Synchronization

/// Writes a call and its outcome.
struct Recorder: Sendable {
    private final class Calls: Sendable {
        let count = Atomic(0)
    }

    private let log: HistoryLog
    private let calls = Calls()

    init(_ log: HistoryLog) {
        self.log = log
    }

    /// Writes a call whose effect may come at any time from now on.
    func begun(_ call: Call) {
        log.append(.invoked(call: calls.count.add(1, ordering: .relaxed).newValue, call))
    }

    func callAsFunction<Value>(
        _ call: Call, _ body: () async throws -> Value, answer: (Value) -> Answer = { _ in .done }
    ) async throws -> Value {
        let number = calls.count.add(1, ordering: .relaxed).newValue
        log.append(.invoked(call: number, call))
        do {
            let value = try await body()
            log.append(.returned(call: number, answer(value)))
            return value
        } catch let error as StintError where error.code != .outcomeUnknown {
            log.append(.failed(call: number, code: error.code.description))
            throw error
        } catch {
            log.append(.unknown(call: number, code: "\((error as? StintError)?.code.description ?? "\(error)")"))
            throw error
        }
    }
}
