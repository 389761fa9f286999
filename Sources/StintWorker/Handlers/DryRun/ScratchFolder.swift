import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A new, empty folder that only its owner can enter, in `TMPDIR` or `/tmp`.
package struct ScratchFolder {
    package let path: String

    /// - Parameter name: What its name begins with.
    /// - Throws: ``StintError`` with the code `storageFailed`.
    package init(named name: String) throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StintError(
                .storageFailed,
                "no scratch folder can be made in \(quoted(parent)): \(systemError(errno)); set TMPDIR to a folder that can be "
                    + "written to")
        }
        let made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        path = made.hasPrefix("/") ? made : FileManager.default.currentDirectoryPath + "/" + made
    }

    /// Removes it with all that is in it.
    ///
    /// - Returns: What is wrong, if it stays behind.
    package func remove() -> String? {
        do {
            try FileManager.default.removeItem(atPath: path)
            return nil
        } catch {
            return "the scratch folder \(path) stays behind, since it cannot be removed: \(error)"
        }
    }
}
