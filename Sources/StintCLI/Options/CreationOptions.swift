import ArgumentParser
import Foundation
import StintCore

/// For commands that create the database if it does not exist.
struct CreationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The permissions of a database that this creates; 0660 shares it with a group. (default: 0600)",
            valueName: "octal"), transform: PermissionsArgument.init)
    var mode: PermissionsArgument?

    var permissions: UInt32 { mode?.bits ?? 0o600 }
}
