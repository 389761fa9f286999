/// A number that is new at every claim and never used again. Of two holders of the same job the one with the
/// larger token is the rightful one, so a handler can pass it on to systems that check it ("fencing").
public struct FencingToken: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }

    public static func < (left: FencingToken, right: FencingToken) -> Bool { left.rawValue < right.rawValue }
}

/// The right to run one claimed job until a deadline. Every later word about the job must name it; when the job was
/// taken back meanwhile, that word changes nothing and is answered with `leaseLost`.
///
/// The jobs of one claim and one queue share a token, so one heartbeat keeps them all.
public struct Lease: Hashable, Sendable {
    public let job: JobID
    public let token: FencingToken

    public init(job: JobID, token: FencingToken) {
        self.job = job
        self.token = token
    }
}
