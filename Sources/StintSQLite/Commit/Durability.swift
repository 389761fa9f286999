import Dispatch
import GRDB
import GRDBSQLite
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How sure an enqueue is, and what it costs.
public enum Durability: Sendable {
    /// `synchronous=FULL`: what returned is on disk, also after a power cut.
    case full
    /// `synchronous=NORMAL`: faster by two to three times for small transactions; a power cut (not a crash of the
    /// process) can take the last commits with it. The database stays sound.
    case normal
}
