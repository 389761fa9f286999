import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The path of this program, to start it again. It is the path and not the open file, so that after a deploy the new
/// version starts.
///
/// - Throws: ``StintError`` with the code `processFailed` if the system does not know it.
func executablePath() throws -> String {
    var path = [CChar](repeating: 0, count: 4_096)
    #if canImport(Darwin)
        var size = UInt32(path.count)
        let isFound = _NSGetExecutablePath(&path, &size) == 0
    #else
        let isFound = readlink("/proc/self/exe", &path, path.count - 1) > 0
    #endif
    guard isFound else {
        throw StintError(.processFailed, "the path of this program cannot be found, so it cannot start workers")
    }
    let text = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let deleted = " (deleted)"
    return text.hasSuffix(deleted) ? String(text.dropLast(deleted.count)) : text
}
