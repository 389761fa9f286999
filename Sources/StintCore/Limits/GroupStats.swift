/// A group of a queue.
public struct GroupStats: Sendable, Hashable {
    /// `nil`: the jobs without a group.
    public let name: String?
    /// The share of the group's turns, beside those of the others.
    public let weight: Int
    public let ready: Int
    public let running: Int
    /// Which of the limits of groups allows none of its jobs a start now, if any: `groupFull`, `groupWaits` or `rate`.
    public let waitReason: WaitReason?

    public init(name: String?, weight: Int, ready: Int, running: Int, waitReason: WaitReason? = nil) {
        self.name = name
        self.weight = weight
        self.ready = ready
        self.running = running
        self.waitReason = waitReason
    }

    /// Checks a name and a weight, for a store.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public static func check(weight: Int, ofGroup name: String) throws {
        try NewJob.check(group: name)
        guard (1...maximumWeight).contains(weight) else {
            throw StintError.invalidInput("the weight is \(weight); it must be between 1 and \(maximumWeight)")
        }
    }

    /// The largest weight of a group. The smallest is 1.
    public static let maximumWeight = 1_000
}
