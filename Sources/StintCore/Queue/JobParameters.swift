/// The parameters of a kind of job, stored in the payload as JSON.
public protocol JobParameters: Codable, Sendable {
    /// The kind's name in the job's `job-name` header. It must stay the same across deploys, so it is not derived from
    /// the type's name.
    static var jobName: String { get }
}
