#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes the payloads of an event for many members: the event's JSON is made once.
struct MemberEventWriter {
    /// What is before the member's id, which is the last value.
    let head: [UInt8]

    init(_ event: NotificationEvent) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        head = Array("{\"event\":".utf8) + [UInt8](try encoder.encode(event)) + Array(",\"member\":".utf8)
    }

    func payload(_ member: String) -> [UInt8] {
        var payload = head
        payload.append(UInt8(ascii: "\""))
        for byte in member.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): payload += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                payload +=
                    Array("\\u00".utf8) + Array((byte < 0x10 ? "0" : "").utf8)
                    + Array(String(byte, radix: 16).utf8)
            default: payload.append(byte)
            }
        }
        payload += [UInt8(ascii: "\""), UInt8(ascii: "}")]
        return payload
    }
}
