/// Bytes in small letters and the digits 2 to 7 (RFC 4648, without padding).
enum Base32 {
    private static let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var (value, bits) = (0, 0)
        for byte in bytes {
            value = (value << 8 | Int(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(letters[value >> bits & 31])
            }
        }
        if bits > 0 { text.append(letters[value << (5 - bits) & 31]) }
        return String(decoding: text, as: UTF8.self)
    }
}
