extension stat {
    /// When the contents of the file were last changed, by the wall clock.
    package var modified: timespec {
        #if canImport(Darwin)
            st_mtimespec
        #else
            st_mtim
        #endif
    }
}
