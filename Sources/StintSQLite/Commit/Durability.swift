import Dispatch
import GRDB
import GRDBSQLite
import StintCore

/// How safe an enqueue is when it returns, and what that costs.
public enum Durability: Sendable {
    /// `synchronous=FULL`: a change that returned is on disk, also after a power cut.
    case full
    /// `synchronous=NORMAL`: two to three times faster for small transactions. A power cut (not a crash of the process)
    /// can undo the last commits. The database stays sound.
    case normal
}
