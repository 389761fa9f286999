import StintCore
import StintPlatform

/// The path of this program, to start it again. It is the path and not the open file, so that after a deploy the new
/// version starts.
///
/// - Throws: ``StintError`` with the code `processFailed` if the system does not know it.
func executablePath() throws -> String {
    guard let path = ProcessList.executableOfThisProcess else {
        throw StintError(.processFailed, "the path of this program cannot be found, so it cannot start workers")
    }
    let deleted = " (deleted)"
    return path.hasSuffix(deleted) ? String(path.dropLast(deleted.count)) : path
}
