import GRDB
import GRDBSQLite
import StintCore

/// One thing that was checked, and the result.
public struct Finding: Sendable, CustomStringConvertible {
    public let subject: String
    public let isGood: Bool
    public let description: String
}
