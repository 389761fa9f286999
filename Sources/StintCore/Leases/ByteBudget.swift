/// How many bytes of jobs one holder, such as a worker or a claim, may keep in memory at once. A single job is never
/// refused for its size: if nothing is held, it is taken alone.
public struct ByteBudget: Sendable, Hashable {
    /// 64 MiB: four of the largest payloads, and thousands of usual ones.
    public static let standard = ByteBudget(bytes: 64 * 1_024 * 1_024)

    public let bytes: Int

    /// - Parameter bytes: At least 1.
    public init(bytes: Int) {
        precondition(bytes >= 1, "a byte budget is at least 1 byte")
        self.bytes = bytes
    }

    /// The bytes left beside those that are held; 0 or less if the budget is used up.
    public func left(beside held: Int) -> Int { bytes - held }

    /// Whether one more job of this size may be taken beside those that are held.
    public func admits(_ size: Int, beside held: Int) -> Bool { held == 0 || size <= left(beside: held) }
}
