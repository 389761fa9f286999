/// The state of a job.
public enum JobState: String, Sendable, Hashable, Codable, CaseIterable {
    case ready, delayed, leased, buried, done
}
