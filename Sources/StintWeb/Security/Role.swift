/// What a user may do. Each role includes those before it.
public enum Role: String, Sendable, Comparable, CaseIterable {
    /// Look at everything, and change nothing.
    case view
    /// Kick, bury, cancel, delete and enqueue jobs; pause and resume; run schedules.
    case operate
    /// Change limits and retention, and stop or restart workers.
    case admin

    public static func < (left: Role, right: Role) -> Bool { left.level < right.level }

    private var level: Int {
        switch self {
        case .view: 0
        case .operate: 1
        case .admin: 2
        }
    }
}

/// Who sends a request.
public struct WebUser: Sendable, Equatable {
    public let name: String
    public let role: Role

    public init(name: String, role: Role) {
        self.name = name
        self.role = role
    }

    func checkRole(_ needed: Role) throws {
        guard role >= needed else {
            throw WebError(
                .forbidden, "this needs the role \(needed.rawValue), and \(name) has the role \(role.rawValue)")
        }
    }
}
