#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A tick of a schedule that has made a job.
public struct ScheduleTick: Sendable, Hashable {
    /// When it was due; the job may have come later.
    public var time: Date { Date(timeMilliseconds) }
    package let timeMilliseconds: Timestamp
    /// Its job, or the job that had its unique key.
    public let job: JobID

    public init(_ time: Timestamp, job: JobID) {
        timeMilliseconds = time
        self.job = job
    }
}
