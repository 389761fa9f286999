/// The namespaces of a process (namespaces(7)) that give a process id and a start time their meaning. Linux only.
package enum ProcessNamespaces {
    #if canImport(Darwin)
        /// Whether this system has any.
        package static let exist = false
        /// Those of this process; empty if there are none.
        package static let ofThisProcess = ""
    #else
        package static let exist = true
        package static let ofThisProcess = ["pid", "time"].compactMap(name).joined(separator: " ")

        /// `pid:[4026531836]`; `nil` if the kernel has none or /proc is not mounted.
        private static func name(_ kind: String) -> String? {
            var buffer = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/self/ns/\(kind)", &buffer, buffer.count)
            return count > 0 ? String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
        }
    #endif
}
