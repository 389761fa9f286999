import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension FormBody {
    /// A hash of all fields, with their names, file names, types and character sets. The order of fields with different names
    /// does not count.
    ///
    /// - Parameter names: Fields that do not count, since they are others when a service repeats the post.
    func hash(without names: Set<String> = []) -> SHA256.Digest {
        var hash = SHA256()
        func add(_ name: String, _ bytes: some Collection<UInt8>) {
            hash.update(data: Data("\(name.utf8.count) \(bytes.count) \(name)\n".utf8))
            if bytes.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil
            {
                hash.update(data: Data(bytes))
            }
        }
        // The form has a limited number of fields.
        let counted = fields.enumerated().filter { !names.contains($0.element.name) }
            .sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }
        for (_, field) in counted {
            add(field.name, field.bytes)
            add("filename", (field.filename ?? "").utf8)
            add("type", field.contentType.utf8)
            add("charset", (field.charset ?? "").utf8)
        }
        return hash.finalize()
    }
}
