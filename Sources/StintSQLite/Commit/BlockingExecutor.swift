import Dispatch

/// Runs blocking work, one piece after the other. It uses a thread of its own. In a simulated world it uses whatever
/// that world runs everything on.
package enum BlockingExecutor: Sendable {
    case thread(DispatchQueue)
    case simulated(@Sendable (_ work: @escaping @Sendable () -> Void) -> Void)

    func async(_ work: @escaping @Sendable () -> Void) {
        switch self {
        case .thread(let queue): queue.async(execute: work)
        case .simulated(let submit): submit(work)
        }
    }

    /// Runs blocking work, so that it does not block one of Swift's cooperative threads: there are only as many as
    /// processors.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            async { continuation.resume(with: Result { try work() }) }
        }
    }

    /// How a store gets its executors.
    package typealias Maker = @Sendable (_ label: String, _ qos: DispatchQoS) -> BlockingExecutor

    static let threads: Maker = { label, qos in .thread(DispatchQueue(label: label, qos: qos)) }
}
