/// Whether a process lives, as far as the store can prove it. A proof is something that only a living process can have,
/// such as a lock of the kernel. Names, process ids and clocks prove nothing: containers share them, hide them or have
/// their own.
///
/// Only of processes of its own machine a store can prove it. Of others it says `unknown`, and then the deadlines of leases
/// decide: a worker that does not extend them loses its jobs.
public enum Liveness: String, Sendable, Hashable, Codable {
    /// It lives for certain.
    case alive
    /// It has ended for certain.
    case dead
    /// There is no proof either way. Only the lease's deadline decides then.
    case unknown
}
