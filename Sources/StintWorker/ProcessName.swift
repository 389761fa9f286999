#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Worker {
    /// `host:pid` of this process: who holds a lease, in words a person can act on.
    public static let processName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost:\(getpid())" }
        let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return "\(host):\(getpid())"
    }()
}
