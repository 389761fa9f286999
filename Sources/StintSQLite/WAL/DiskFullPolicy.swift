import GRDB
import Logging
import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What a write has to do with a disk that is full.
enum DiskFullPolicy: Int, Comparable, Sendable {
    /// It brings jobs. It waits until there is room for them and for the whole ``DiskReserve``.
    case refuse
    /// It starts jobs, or moves them about. It goes on while half of the reserve is left, out of which they can be settled.
    case useSpareReserve
    /// It ends what runs, or makes room. It may use the reserve up.
    case useReserve

    static func < (one: DiskFullPolicy, other: DiskFullPolicy) -> Bool { one.rawValue < other.rawValue }
}
