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

    /// How many connections a server may have. What they leave is for the store and all else.
    ///
    /// - Parameter descriptors: How many this process may have open; `nil`: not known.
    package static func connections(atMost most: Int, descriptors: Int?) -> Int {
        guard let descriptors else { return most }
        // A limit so low that little is left for others is shared.
        return max(16, min(most, max(descriptors - 256, descriptors / 2)))
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
