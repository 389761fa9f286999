import Dispatch

/// Where work that blocks is done, one piece after the other: a thread of its own, or, in a simulated world, whatever that
/// world runs everything on.
package enum BlockingExecutor: Sendable {
    case thread(DispatchQueue)
    case simulated(@Sendable (_ work: @escaping @Sendable () -> Void) -> Void)

    func async(_ work: @escaping @Sendable () -> Void) {
        switch self {
        case .thread(let queue): queue.async(execute: work)
        case .simulated(let submit): submit(work)
        }
    }

    /// Does work that blocks, so that none of Swift's cooperative threads does: there are as few as processors.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            async { continuation.resume(with: Result { try work() }) }
        }
    }

    /// How a store gets its executors.
    package typealias Maker = @Sendable (_ label: String, _ qos: DispatchQoS) -> BlockingExecutor

    static let threads: Maker = { label, qos in .thread(DispatchQueue(label: label, qos: qos)) }
}
