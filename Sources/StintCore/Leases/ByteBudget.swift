/// How many bytes of jobs one holder may have in memory at once: a worker, a claim, or anything else that keeps payloads
/// while others are busy with them. A single job is never refused for its size: where nothing is held, it is taken alone.
public struct ByteBudget: Sendable, Hashable {
    /// 64 MiB: four of the largest payloads, and thousands of usual ones.
    public static let standard = ByteBudget(bytes: 64 * 1_024 * 1_024)

    public let bytes: Int

    /// - Parameter bytes: At least 1.
    public init(bytes: Int) {
        precondition(bytes >= 1, "a budget of no bytes lets nothing through")
        self.bytes = bytes
    }

    /// What may still be taken beside what is held; not above 0 when the budget is used up.
    public func left(beside held: Int) -> Int { bytes - held }

    /// Whether one more of this size may be taken beside what is held.
    public func admits(_ size: Int, beside held: Int) -> Bool { held == 0 || size <= left(beside: held) }
}
