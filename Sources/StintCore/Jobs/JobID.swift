/// The number of a job. It grows with every enqueue and is never reused, even after the job is deleted.
public struct JobID: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }

    public static func < (left: JobID, right: JobID) -> Bool { left.rawValue < right.rawValue }
}
