import StintCore

/// A group in `group list --json`; the jobs without a group have no name.
struct GroupDocument: Encodable {
    private let name: String?
    private let weight: Int
    private let ready: Int
    private let running: Int
    private let waitReason: WaitReasonDocument?

    init(_ group: GroupStats) {
        name = group.name
        weight = group.weight
        ready = group.ready
        running = group.running
        waitReason = group.waitReason.map(WaitReasonDocument.init)
    }
}
