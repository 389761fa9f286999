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

    /// How many of the sizes, from the first, go into the budget together. The first one always does.
    public func fitting(_ sizes: some Sequence<Int>) -> Int {
        var (count, held) = (0, 0)
        for size in sizes {
            let (sum, overflow) = held.addingReportingOverflow(size)
            if count > 0, overflow || sum > bytes { break }
            (count, held) = (count + 1, overflow ? .max : sum)
        }
        return count
    }
}
