/// Whether a process lives, as far as the kernel proves it. Names, process ids, boot ids and clocks prove nothing:
/// containers share them, hide them or have their own.
public enum Liveness: String, Sendable, Hashable, Codable {
    /// It holds the lock that only it can hold.
    case alive
    /// Its lock is free; the kernel frees such a lock only when the process ends.
    case dead
    /// There is no proof either way: no lock that this process can see. Only the lease's deadline decides then.
    case unknown
}
