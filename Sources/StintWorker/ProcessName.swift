#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Worker {
    /// `host:pid` of this process: who holds a lease, in words a person can act on.
    public static let processName: String = {
        var name = [CChar](repeating: 0, count: 256)
        let host = gethostname(&name, name.count - 1) == 0 ? String(cString: name) : "localhost"
        return "\(host):\(getpid())"
    }()
}
