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
}
