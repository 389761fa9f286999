/// Reads files and folders of the kernel, such as those in /proc, whose length is not known before they are read.
package enum SystemFile {
    /// The contents; `nil` if they cannot be read.
    ///
    /// - Parameter limit: Reading stops when there are this many bytes or somewhat more.
    package static func bytes(of path: String, limit: Int = .max) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < limit {
            guard let count = try? buffer.withUnsafeMutableBytes({ try file.read(into: $0) }) else {
                return bytes.isEmpty ? nil : bytes
            }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }

    /// The contents as text; `nil` if there are none.
    package static func text(of path: String, limit: Int = .max) -> String? {
        guard let bytes = bytes(of: path, limit: limit), !bytes.isEmpty else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The entries of a folder whose names are numbers.
    package static func numbers(in folder: String) -> [pid_t] {
        guard let entries = opendir(folder) else { return [] }
        defer { closedir(entries) }
        var numbers: [pid_t] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = pid_t(name) { numbers.append(number) }
        }
        return numbers
    }
}
