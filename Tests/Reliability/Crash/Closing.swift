import Foundation

/// Waits until this process no longer has a file open. The connections of a store are closed with its last reference,
/// which a thread may have that has just worked for it.
///
/// The log is mostly deleted with the last connection. It stays if two are closed at once, and so neither is the last.
func awaitClosing(of path: String) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try isOpen(path) {
        guard ContinuousClock.now < deadline else { throw TortureError("the store of \(path) does not close") }
        await Task.yield()
    }
}

private func isOpen(_ path: String) throws -> Bool {
    let own = "/proc/self/fd"
    return try FileManager.default.contentsOfDirectory(atPath: own).contains { descriptor in
        var name = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("\(own)/\(descriptor)", &name, name.count)
        return count > 0 && String(decoding: name.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) == path
    }
}
