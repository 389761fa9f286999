import Foundation
import StintNotifications

/// The payloads of jobs as they are stored.
enum StoredPayload {
    private struct Notification: Encodable {
        let member: String
        let event: NotificationEvent
    }

    static func notification(_ event: NotificationEvent, to member: String) throws -> [UInt8] {
        [UInt8](try JSONEncoder().encode(Notification(member: member, event: event)))
    }
}
