import ArgumentParser
import Foundation
import StintCore

/// The permissions of a file, such as `0600` or `0660`.
struct PermissionsArgument {
    let bits: UInt32

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write them.
    init(_ text: String) throws {
        guard (3...4).contains(text.utf8.count), let bits = UInt32(text, radix: 8), bits & ~0o666 == 0,
            bits & 0o600 == 0o600
        else {
            throw StintError.invalidInput(
                "write permissions as three or four octal digits, such as 0660: 6 for reading and writing, first for the owner"
            )
        }
        self.bits = bits
    }
}
