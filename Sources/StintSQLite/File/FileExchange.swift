import CStint
import StintCore
import StintPlatform
import StintRunFiles

/// Gives a new database the name of an old one, which is kept with its log under another name.
///
/// A mark beside the database keeps all processes from opening it meanwhile. If this process is killed in the middle,
/// the mark stays, so no process takes a half-done exchange for a complete one, and the next restore does it again.
struct FileExchange {
    let target: DatabaseFile
    /// A database without a log.
    let replacement: String

    /// - Returns: The path of the old one; `nil` if there was none.
    func run() throws -> String? {
        let mark = try setMark()
        defer { close(mark) }
        let aside = try keepOldOne()
        // A process that opened the old one just before the mark may create these again.
        removeLog()
        guard rename(replacement, target.target) == 0 else {
            throw target.unusable(
                "could not be replaced (\(systemError())); what was there is in \(quoted(aside ?? replacement))")
        }
        removeLog()
        target.syncFolder()
        unlink(target.restoreMark)
        target.syncFolder()
        return aside
    }

    private func setMark() throws -> Int32 {
        let mark = open(target.restoreMark, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard mark >= 0 else {
            throw target.unusable("cannot be replaced: \(quoted(target.restoreMark)): \(systemError())")
        }
        guard LockFile.lockIfFree(mark) else {
            close(mark)
            throw target.unusable("is being restored by another process at this moment")
        }
        target.syncFolder()
        return mark
    }

    /// The old one first gets a second name, so that the database is never missing.
    private func keepOldOne() throws -> String? {
        let kept = DatabaseFile.suffixesOfSQLite.filter { $0 != "-shm" } + [""]
        guard kept.contains(where: { access(target.target + $0, F_OK) == 0 }) else { return nil }
        let aside = asideName()
        for suffix in kept where access(target.target + suffix, F_OK) == 0 {
            // If the file system has no hard links, it is missing for a moment after all.
            guard
                link(target.target + suffix, aside + suffix) == 0
                    || stint_rename_new(target.target + suffix, aside + suffix) == 0
            else {
                unlink(target.restoreMark)
                throw target.unusable("cannot be kept as \(quoted(aside + suffix)): \(systemError())")
            }
        }
        target.syncFolder()
        return aside
    }

    private func asideName() -> String {
        var (now, parts) = (time(nil), tm())
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        let stamp = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let name = "\(target.target)-before-restore-\(stamp)"
        return ([name] + (2...1_000).map { "\(name)-\($0)" }).first { access($0, F_OK) != 0 } ?? name
    }

    private func removeLog() {
        for suffix in DatabaseFile.suffixesOfSQLite { unlink(target.target + suffix) }
    }
}
