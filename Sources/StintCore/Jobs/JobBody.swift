/// What a job brings to its handler: one payload, or the payloads of a digest's events.
package enum JobBody: Sendable, Hashable {
    case single([UInt8])
    /// Oldest first.
    case digest([[UInt8]])

    package var events: [[UInt8]]? {
        switch self {
        case .single: nil
        case .digest(let events): events
        }
    }

    package var byteCount: Int {
        switch self {
        case .single(let payload): payload.count
        case .digest(let events): events.reduce(0) { $0 + $1.count }
        }
    }

    /// The payload; of a digest, all payloads as `DigestFormat.lengthPrefixed` writes them.
    package var payload: [UInt8] {
        switch self {
        case .single(let payload): payload
        case .digest(let events): DigestFormat.lengthPrefixed.joined(events)
        }
    }
}

/// How the events of a digest are written one after the other.
public enum DigestFormat: String, Sendable, Hashable, CaseIterable {
    /// Each event, then a line feed. An event with a line feed in it cannot be written so.
    case lines
    /// For each event its length in bytes as a decimal number, a line feed, the event, and a line feed. For any bytes.
    case lengthPrefixed = "length-prefixed"

    /// The content type of what is written.
    public var contentType: String { "application/x-stint-\(rawValue)" }

    /// The number of the first event that cannot be written so, from 1; `nil` if all can.
    package func firstUnfit(_ events: [[UInt8]]) -> Int? {
        switch self {
        case .lines: events.firstIndex { $0.contains(0x0A) }.map { $0 + 1 }
        case .lengthPrefixed: nil
        }
    }

    package func joined(_ events: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(events.reduce(0) { $0 + $1.count + 10 })
        for event in events {
            if self == .lengthPrefixed {
                bytes += Array(String(event.count).utf8)
                bytes.append(0x0A)
            }
            bytes += event
            bytes.append(0x0A)
        }
        return bytes
    }
}
