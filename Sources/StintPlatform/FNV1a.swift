/// A number that depends on bytes alone, and never on the process: FNV-1a. It is kept in files and mails, so it never changes.
/// It does not resist an attacker.
package enum FNV1a {
    package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.withContiguousStorageIfAvailable(hash(of:)) ?? Array(bytes).withUnsafeBufferPointer(hash(of:))
    }

    /// The loop for bytes in memory: one over any sequence took ten times as long.
    private static func hash(of bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var value: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return value
    }

    /// In 16 hexadecimal digits.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = String(hash(bytes), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
