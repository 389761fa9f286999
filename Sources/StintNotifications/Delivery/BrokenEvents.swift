import Logging

/// The events of one digest that cannot be shown, by their kinds: a person should see that, and once for each kind.
struct BrokenEvents {
    private var kinds: [String: (count: Int, reason: String)] = [:]

    mutating func add(_ kind: String, _ reason: String) {
        kinds[kind] = ((kinds[kind]?.count ?? 0) + 1, kinds[kind]?.reason ?? reason)
    }

    func log(_ logger: Logger) {
        for (kind, found) in kinds.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "events are left out of a digest, since they cannot be shown",
                metadata: ["kind": "\(kind)", "events": "\(found.count)", "reason": "\(found.reason)"])
        }
    }
}
