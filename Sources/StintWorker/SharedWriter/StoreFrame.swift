import StintPlatform

/// A ``StoreRequest`` or ``StoreReply`` between other messages on the socket of a worker and its supervisor: a zero byte, which no
/// line begins with, the length of what follows it, the number of the request, and the message.
enum StoreFrame {
    /// The zero byte, and the length.
    static let headerBytes = 5

    static func encode(_ number: UInt32, _ body: (inout MessageEncoder) -> Void) -> [UInt8] {
        var encoder = MessageEncoder()
        encoder.write(0 as UInt8)
        encoder.write(0 as UInt32)
        encoder.write(number)
        body(&encoder)
        encoder.replace(at: 1, UInt32(clamping: encoder.bytes.count - headerBytes))
        return encoder.bytes
    }

    static func decode<Message>(
        _ frame: UnsafeRawBufferPointer, _ message: (inout MessageDecoder) throws -> Message
    ) throws -> (number: UInt32, message: Message) {
        var decoder = MessageDecoder(frame)
        return (try decoder.number(), try message(&decoder))
    }
}
