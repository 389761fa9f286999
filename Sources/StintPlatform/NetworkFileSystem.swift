package enum NetworkFileSystem {
    /// Darwin: whether the folder's file system says that it is not on this machine. On Linux none says so; there the
    /// type of the file system tells.
    package static func holds(_ folder: String) -> Bool {
        #if canImport(Darwin)
            var facts = statfs()
            return statfs(folder, &facts) == 0 && facts.f_flags & UInt32(MNT_LOCAL) == 0
        #else
            return false
        #endif
    }
}
