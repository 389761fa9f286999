import StintCore
import StintPlatform

/// The folder of a machine in which the processes of a user find each other's scoreboards and signs of supervisors.
enum RunFolder {
    /// In memory if the system has such a place: nothing in it is worth a write to a disk, or survives a reboot.
    private static let parents = ["/dev/shm", "/tmp"]

    /// For people.
    static var description: String {
        parents.map { quoted("\($0)/stint-\(geteuid())") }.joined(separator: " or ")
    }

    /// The one of this user, which is created if it does not exist; `nil` if none can be used.
    static func ofThisUser() -> String? {
        parents.map { "\($0)/stint-\(geteuid())" }.first(where: isUsable)
    }

    /// Everybody may create folders where it is, so it must be this user's, and no other's to write to.
    static func isUsable(_ path: String) -> Bool {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { return false }
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR && facts.st_uid == geteuid()
            && facts.st_mode & 0o022 == 0 && access(path, R_OK | W_OK | X_OK) == 0
    }
}
