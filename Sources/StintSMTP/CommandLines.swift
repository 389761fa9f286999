/// Splits what a client sends into lines. Only CR LF ends a line.
struct CommandLines: Sendable {
    enum Line: Equatable {
        /// Without its end.
        case line([UInt8])
        /// It has a LF without a CR before it, or a CR without a LF after it.
        case hasBareEnd
        /// It was not kept.
        case tooLong
    }

    /// The most bytes of a line: a password for AUTH may have 12,288 (RFC 4954).
    static let maximumBytes = 12_288

    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to where no end of a line was found.
    private var searched = 0
    private var isSkipping = false

    mutating func append(_ more: some Sequence<UInt8>) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        bytes += more
    }

    /// How many bytes have not been read.
    var count: Int { bytes.count - start }

    /// - Returns: `nil` if there is no whole line.
    mutating func next() -> Line? {
        while let end = bytes[searched...].firstIndex(of: 0x0A) {
            let line = bytes[start..<end]
            (start, searched) = (end + 1, end + 1)
            if isSkipping {
                isSkipping = false
                return .tooLong
            }
            guard line.count <= Self.maximumBytes + 1 else { return .tooLong }
            guard line.last == 0x0D, !line.dropLast().contains(0x0D) else { return .hasBareEnd }
            return .line(Array(line.dropLast()))
        }
        searched = bytes.count
        if count > Self.maximumBytes + 1 {
            isSkipping = true
            start = bytes.count
        }
        return nil
    }

    /// Passes on what has not been read, for other than lines.
    ///
    /// - Parameter read: Returns how much of it was read.
    mutating func read<Value>(_ read: (UnsafeBufferPointer<UInt8>) -> (count: Int, Value)) -> Value {
        let (count, value) = bytes.withUnsafeBufferPointer {
            read(UnsafeBufferPointer(rebasing: $0[start...]))
        }
        start += count
        searched = start
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= 65_536)
            (start, searched) = (0, 0)
        }
        return value
    }
}
