import Foundation
import StintCore
import StintNotifications
import Testing

@Suite("Events")
struct EventTests {
    @Test(
        "dates that no calendar has are refused",
        arguments: [.infinity, -.infinity, .nan, 1e300, 253_402_300_800, -62_135_596_801])
    func dates(seconds: Double) {
        #expect(throws: StintError.self) {
            try NotificationEvent(kind: "a", object: "b", date: Date(timeIntervalSince1970: seconds))
        }
    }

    @Test("a stored event with such a date does not decode", arguments: [Int64.max, Int64.min, 253_402_300_800_000])
    func stored(milliseconds: Int64) throws {
        let event = try NotificationEvent(id: "1", kind: "a", object: "b", date: Date(timeIntervalSince1970: 7))
        let text = String(decoding: try JSONEncoder().encode(event), as: UTF8.self)
        #expect(try JSONDecoder().decode(NotificationEvent.self, from: Data(text.utf8)) == event)
        let changed = text.replacing("7000", with: "\(milliseconds)")
        #expect(changed != text)
        #expect(throws: StintError.self) { try JSONDecoder().decode(NotificationEvent.self, from: Data(changed.utf8)) }
    }
}
