/// The processes of this machine that this one can see.
package enum ProcessList {
    package static var all: [pid_t] {
        #if canImport(Darwin)
            var ids = [pid_t](repeating: 0, count: 65_536)
            let count = proc_listallpids(&ids, Int32(ids.count * MemoryLayout<pid_t>.stride))
            return Array(ids.prefix(Int(max(0, count))))
        #else
            return SystemFile.numbers(in: "/proc")
        #endif
    }

    /// The environment of a process when it executed its program: `NAME=value` and a NUL each. `nil` if it cannot be
    /// read, as that of another user.
    ///
    /// - Parameter limit: About the most bytes to read.
    package static func environment(of id: pid_t, limit: Int) -> [UInt8]? {
        #if canImport(Darwin)
            // The arguments come first.
            var query = [CTL_KERN, KERN_PROCARGS2, id]
            var size = limit
            var bytes = [UInt8](repeating: 0, count: size)
            guard sysctl(&query, 3, &bytes, &size, nil, 0) == 0 else { return nil }
            return Array(bytes.prefix(size))
        #else
            return SystemFile.bytes(of: "/proc/\(id)/environ", limit: limit)
        #endif
    }

    /// The path of the program that this process runs; `nil` if the system does not know it.
    package static var executableOfThisProcess: String? {
        var path = [CChar](repeating: 0, count: 4_096)
        #if canImport(Darwin)
            var size = UInt32(path.count)
            let isFound = _NSGetExecutablePath(&path, &size) == 0
        #else
            let isFound = readlink("/proc/self/exe", &path, path.count - 1) > 0
        #endif
        return isFound ? String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
