import GRDB
import GRDBSQLite
import StintCore

/// One thing that was looked at, and what was found.
public struct Finding: Sendable, CustomStringConvertible {
    public let subject: String
    public let isGood: Bool
    public let description: String
}
