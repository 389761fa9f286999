import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads payloads of ``MemberEvent``. The events that were read last are kept, since one has a payload for each of its
/// members.
final class MemberEventReader: Sendable {
    /// The most events that are kept.
    private static let maximumEvents = 128

    private struct Known {
        var head: [UInt8]
        var event: NotificationEvent
    }

    private let known = Mutex<[Known]>([])

    /// - Throws: `DecodingError`.
    func read(_ payload: [UInt8]) throws -> MemberEvent {
        let events = known.withLock { $0 }
        for one in events where payload.starts(with: one.head) {
            if let member = Self.plainText(payload.dropFirst(one.head.count)) {
                return MemberEvent(member: member, event: one.event)
            }
        }
        let read = try JSONDecoder().decode(MemberEvent.self, from: Data(payload))
        // Only payloads that the writer makes byte for byte have a head that can be compared.
        if let writer = try? MemberEventWriter(read.event), writer.payload(read.member) == payload {
            known.withLock { known in
                if known.count >= Self.maximumEvents { known.removeFirst() }
                known.append(Known(head: writer.head, event: read.event))
            }
        }
        return read
    }

    /// A text of JSON without escapes and the brace behind it; `nil` if it is something else.
    private static func plainText(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count >= 3, bytes.first == UInt8(ascii: "\""), bytes.suffix(2).elementsEqual([0x22, 0x7D]) else {
            return nil
        }
        let text = bytes.dropFirst().dropLast(2)
        guard text.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
            return nil
        }
        return String(validating: text, as: UTF8.self)
    }
}
