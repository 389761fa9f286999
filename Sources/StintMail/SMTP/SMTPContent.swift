import StintPlatform

/// A message as it is sent after DATA.
enum SMTPContent {
    /// With a dot before each line that begins with one, and the final dot (RFC 5321, 4.5.2).
    ///
    /// - Parameter message: Its lines end with CRLF. If the last one does not, it gets this end.
    /// - Parameter more: For how many bytes more there is room.
    static func bytes(of message: [UInt8], roomFor more: Int = 0) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(message.count + 16 + more)
        message.withUnsafeBufferPointer { message in
            var start = 0
            var index = 0
            while let dot = firstDot(message, from: index) {
                if dot == 0 || message[dot - 1] == 0x0A {
                    result += UnsafeBufferPointer(rebasing: message[start..<dot])
                    result.append(0x2E)
                    start = dot
                }
                index = dot + 1
            }
            result += UnsafeBufferPointer(rebasing: message[start...])
        }
        if !message.isEmpty, message.last != 0x0A { result += [0x0D, 0x0A] }
        result += [0x2E, 0x0D, 0x0A]
        return result
    }

    private static func firstDot(_ bytes: UnsafeBufferPointer<UInt8>, from index: Int) -> Int? {
        guard let base = bytes.baseAddress, index < bytes.count else { return nil }
        guard let found = memchr(base + index, 0x2E, bytes.count - index) else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}
