import StintPlatform

/// Cuts a stream of bytes into lines, and longer lines into pieces of `limit` bytes. It never holds more.
package struct LineSplitter {
    /// The longest line, without its line break.
    package let limit: Int
    private var rest: [UInt8] = []

    /// How many bytes wait for the end of their line.
    var heldBytes: Int { rest.count }

    package init(limit: Int) {
        self.limit = limit
    }

    /// Calls `body` for each line that `bytes` complete, without its line break.
    ///
    /// - Parameter body: Its second argument is `false` for a piece of a longer line.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, _ body: (ArraySlice<UInt8>, _ isWhole: Bool) -> Void)
    {
        var bytes = bytes
        // Only new bytes are searched.
        while let start = bytes.baseAddress, let found = memchr(start, 0x0A, bytes.count) {
            let end = UnsafeRawPointer(found) - start
            take(UnsafeRawBufferPointer(rebasing: bytes[..<end]), body)
            body(rest[...], true)
            rest.removeAll(keepingCapacity: rest.capacity <= 65_536)
            bytes = UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])
        }
        take(bytes, body)
    }

    /// Calls `body` for what came after the last line break, if anything did.
    package mutating func finish(_ body: (ArraySlice<UInt8>) -> Void) {
        if !rest.isEmpty { body(rest[...]) }
        rest = []
    }

    /// Adds to the unfinished line and passes on full pieces of it.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ body: (ArraySlice<UInt8>, _ isWhole: Bool) -> Void
    ) {
        var bytes = bytes
        while rest.count + bytes.count > limit {
            let room = limit + 1 - rest.count
            rest.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<room]))
            bytes = UnsafeRawBufferPointer(rebasing: bytes[room...])
            let cut = characterStart(before: limit)
            body(rest[..<cut], false)
            rest.removeFirst(cut)
        }
        rest.append(contentsOf: bytes)
    }

    /// The end of a piece, so that no character of UTF-8 is cut in two; `rest[limit]` is the first byte after it.
    private func characterStart(before limit: Int) -> Int {
        var cut = limit
        while cut > max(1, limit - 3), rest[cut] & 0b1100_0000 == 0b1000_0000 { cut -= 1 }
        // It is not UTF-8: cut anywhere.
        return rest[cut] & 0b1100_0000 == 0b1000_0000 ? limit : cut
    }
}
