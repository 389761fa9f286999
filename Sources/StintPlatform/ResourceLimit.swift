/// The resources that getrlimit(2) and setrlimit(2) know.
package enum ResourceLimit {
    #if canImport(Glibc)
        package static let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        package static let processes = __rlimit_resource_t(__RLIMIT_NPROC.rawValue)
        package static let fileSize = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    #else
        package static let openFiles = RLIMIT_NOFILE
        package static let processes = RLIMIT_NPROC
        package static let fileSize = RLIMIT_FSIZE
    #endif

    /// How many descriptors this process may have open; `nil`: not known.
    package static var openFilesLimit: Int? {
        var limit = rlimit()
        return getrlimit(openFiles, &limit) == 0 ? Int(clamping: limit.rlim_cur) : nil
    }

    /// Lets this process open as many files as it may allow itself.
    ///
    /// - Returns: How many it may have open now; `nil`: not known.
    @discardableResult
    package static func raiseOpenFiles() -> Int? {
        var limit = rlimit()
        guard getrlimit(openFiles, &limit) == 0 else { return nil }
        limit.rlim_cur = limit.rlim_max
        #if canImport(Darwin)
            // It refuses more than this.
            limit.rlim_cur = min(limit.rlim_max, rlim_t(OPEN_MAX))
        #endif
        // If it fails, the limit is as it was.
        _ = setrlimit(openFiles, &limit)
        return openFilesLimit
    }
}
