import Foundation

/// How processes of a run end that cannot go on.
package enum RoleExit {
    /// As `stint` itself: the database was replaced.
    package static let databaseUnusable: Int32 = 69
    /// Of the shell that covers the boot id, where the command that does so was killed.
    static let killedWhileCovering = 128 + SIGKILL
    /// Of `stint work` that is started while there is no such command.
    static let commandMissing: Int32 = 65
}
