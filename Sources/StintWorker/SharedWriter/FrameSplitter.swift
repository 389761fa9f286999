/// Cuts the bytes of a socket into lines and frames. It holds an unfinished one only.
package struct FrameSplitter {
    private let longestLine: Int
    private let longestFrame: Int
    /// The beginning of an unfinished line or frame.
    private var rest: [UInt8] = []

    /// - Parameter longestLine: A longer one is malformed; 0: there are no lines, only frames.
    package init(longestLine: Int, longestFrame: Int) {
        self.longestLine = longestLine
        self.longestFrame = longestFrame
    }

    package enum Part {
        /// Without its line break.
        case line(String)
        /// Without its header.
        case frame(UnsafeRawBufferPointer)
    }

    /// - Parameter body: Called with each part that the bytes complete.
    /// - Throws: ``MessageDecoder/Malformed`` for a frame or a line that is too long, and what `body` throws. Nothing more can
    ///   be read then.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, _ body: (Part) throws -> Void) throws {
        guard !rest.isEmpty else {
            rest.append(contentsOf: bytes[try split(bytes, body)...])
            return
        }
        rest.append(contentsOf: bytes)
        let used = try rest.withUnsafeBytes { try split($0, body) }
        rest.removeFirst(used)
        if rest.isEmpty, rest.capacity > 65_536 { rest = [] }
    }

    /// - Returns: How many bytes belong to finished parts.
    private func split(_ bytes: UnsafeRawBufferPointer, _ body: (Part) throws -> Void) throws -> Int {
        var position = 0
        while position < bytes.count {
            let left = UnsafeRawBufferPointer(rebasing: bytes[position...])
            guard let length = try length(of: left) else { break }
            if left[0] == 0 {
                try body(.frame(UnsafeRawBufferPointer(rebasing: left[StoreFrame.headerBytes..<length])))
            } else {
                try body(.line(String(decoding: left[..<(length - 1)], as: UTF8.self)))
            }
            position += length
        }
        return position
    }

    /// Of the first part, with its header or its line break; `nil` if it is unfinished.
    private func length(of bytes: UnsafeRawBufferPointer) throws -> Int? {
        if bytes[0] == 0 {
            guard bytes.count >= StoreFrame.headerBytes else { return nil }
            let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
            guard length <= longestFrame else { throw MessageDecoder.Malformed() }
            return bytes.count >= StoreFrame.headerBytes + length ? StoreFrame.headerBytes + length : nil
        }
        let end = bytes.firstIndex(of: 0x0A)
        if let end, end <= longestLine, longestLine > 0 { return end + 1 }
        guard end == nil, bytes.count <= longestLine else { throw MessageDecoder.Malformed() }
        return nil
    }
}
