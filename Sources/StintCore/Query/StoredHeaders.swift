/// Headers as stores keep them, read in place: a walk looks at those of thousands of jobs.
package enum StoredHeaders {
    /// The value of a header in lines `name: value`, as `Headers.init(readable:)` reads it.
    ///
    /// - Parameter name: In small letters.
    package static func value(of name: String, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var name = name
        return name.withUTF8 { name in
            var (start, value): (Int, Range<Int>?) = (0, nil)
            while start < text.count {
                let end = text[start...].firstIndex(of: 0x0A) ?? text.count
                if end - start > name.count, text[start + name.count] == 0x3A, isEqual(text, start, name) {
                    let first = start + name.count + 1
                    // The last one counts.
                    value = (first < end && text[first] == 0x20 ? first + 1 : first)..<end
                }
                start = end + 1
            }
            return value.map { UnsafeRawBufferPointer(rebasing: text[$0]) }
        }
    }

    private static func isEqual(
        _ text: UnsafeRawBufferPointer, _ start: Int, _ name: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        for index in 0..<name.count {
            let byte = text[start + index]
            guard ((0x41...0x5A).contains(byte) ? byte + 0x20 : byte) == name[index] else { return false }
        }
        return true
    }
}
