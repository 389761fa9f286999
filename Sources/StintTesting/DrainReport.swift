/// What ``StintCore/JobQueue/drain(_:)`` did.
public struct DrainReport: Sendable, Hashable {
    /// Jobs that were acknowledged.
    public let done: Int
    /// Jobs that were buried.
    public let buried: Int
    /// Jobs that wait for a time, such as a retry after a failure.
    public let delayed: Int

    public init(done: Int, buried: Int, delayed: Int) {
        self.done = done
        self.buried = buried
        self.delayed = delayed
    }
}
