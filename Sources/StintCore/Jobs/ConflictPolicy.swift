/// What an enqueue does if another job of the queue that is not done has the same unique key.
///
/// With `replace` and `collect` nothing is lost: if the other job was claimed before, or is none that can take the new
/// one in, the new one becomes the next job of the key.
public enum ConflictPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// The other job stays as it is, and nothing is added.
    case keep
    /// The new payload, headers, options and delay take the place of the other job's, and its id stays. A job that was
    /// claimed before, a buried job and a digest are not replaced.
    case replace
    /// The payload is added to a *digest*: one job whose handler gets all payloads in order. The digest has the options
    /// and headers of its first event. It takes events until it is claimed, or until one does not fit: see
    /// ``JobOptions/maxEvents``, ``JobOptions/maxEventBytes``. An event with another content type or job name does not
    /// fit either.
    case collect
}
