import Foundation
import Testing

@testable import StintNotifications

@Suite("Payloads of an event for many members")
struct MemberEventPayloadTests {
    private func event(_ number: Int) throws -> NotificationEvent {
        try NotificationEvent(
            id: "event \(number)", kind: "note", object: "\"o\"", date: Date(timeIntervalSince1970: 7))
    }

    @Test("a payload of an event that was read before is read as JSON, whatever stands for the member")
    func members() throws {
        let event = try event(1)
        let writer = try MemberEventWriter(event)
        let reader = MemberEventReader()
        var payloads = ["a", "", "é", "a\"b", "a\\b", "a\nb", "日本", "\u{1}"].map { writer.payload($0) }
        for tail in [
            #""\u0041"}"#, #""a","member":"b"}"#, #""a"} "#, #""a"}}"#, #""a""#, "null}", "7}", #""a"#, "", "}", #""}"#,
            #""a" }"#,
        ] {
            payloads.append(writer.head + tail.utf8)
        }
        payloads.append(writer.head + [0x22, 0xFF, 0x22, 0x7D])
        // The second time, the event is known.
        for payload in payloads + payloads {
            let expected = try? JSONDecoder().decode(MemberEvent.self, from: Data(payload))
            #expect((try? reader.read(payload)) == expected, "\(String(decoding: payload, as: UTF8.self))")
        }
    }

    @Test("many events are not mixed up")
    func events() throws {
        let reader = MemberEventReader()
        for round in 0..<3 {
            for number in 0..<100 {
                let event = try event(number)
                let payload = try MemberEventWriter(event).payload("m\(round)")
                #expect(try reader.read(payload) == MemberEvent(member: "m\(round)", event: event))
            }
        }
    }
}
