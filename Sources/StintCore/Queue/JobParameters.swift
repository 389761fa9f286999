/// The parameters of a kind of job: what travels in the payload, as JSON.
public protocol JobParameters: Codable, Sendable {
    /// Names the kind in the job's `job-name` header. It outlives deploys, so it is written out and not derived from
    /// the type's name.
    static var jobName: String { get }
}
