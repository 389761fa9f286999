/// How many jobs of a group its limits allow now.
enum GroupRoom: Sendable, Hashable {
    case count(Int)
    /// None until one of its jobs ends.
    case full
    /// None until then, by the steady clock.
    case paced(until: Int64)

    var isEmpty: Bool { if case .count(let count) = self { count <= 0 } else { true } }
}
