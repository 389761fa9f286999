import StintCore
public struct PipeHandler: Sendable {
    public init(_ command: [String], variables: [String: String] = [:], memoryLimit: Int64? = nil) async throws {}
}
extension Worker { public mutating func runPipe(_ p: PipeHandler, retry: RetryPolicy = .exponential()) {} }
