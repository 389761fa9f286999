import GRDB
import StintCore

/// How a write behaves when the disk is full.
enum DiskFullPolicy: Int, Comparable, Sendable {
    /// It enqueues jobs. It waits until there is free space for them and for the whole ``DiskReserve``.
    case refuse
    /// It starts or moves jobs. It goes on while half of the reserve is left, with which they can be settled.
    case useSpareReserve
    /// It ends running jobs, or frees space. It may use up the reserve.
    case useReserve

    static func < (one: DiskFullPolicy, other: DiskFullPolicy) -> Bool { one.rawValue < other.rawValue }
}
