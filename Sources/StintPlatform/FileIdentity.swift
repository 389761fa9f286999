/// Identifies the file that has a name now.
package struct FileIdentity: Equatable, Sendable, CustomStringConvertible {
    private let device: UInt64
    private let inode: UInt64

    package var description: String { "\(device):\(inode)" }

    /// `nil` if there is none. A symbolic link is followed.
    package init?(of path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        self.init(facts)
    }

    package init(_ facts: stat) {
        device = UInt64(truncatingIfNeeded: facts.st_dev)
        inode = UInt64(facts.st_ino)
    }
}
