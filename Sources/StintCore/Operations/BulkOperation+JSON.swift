/// As JSON, the same on the command line and on the web. Times are milliseconds since 1970 UTC.
extension BulkOperation: Encodable {
    private enum Keys: String, CodingKey {
        case id, verb, action, filter, actor, begunAt, endedAt, state, failure, total, changed, skipped, restores
        case restorableUntil
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(id, forKey: .id)
        try container.encode(verb, forKey: .verb)
        try container.encode("\(action)", forKey: .action)
        try container.encode(filter, forKey: .filter)
        try container.encodeIfPresent(actor, forKey: .actor)
        try container.encode(begunAtMilliseconds, forKey: .begunAt)
        try container.encodeIfPresent(endedAtMilliseconds, forKey: .endedAt)
        try container.encode(state, forKey: .state)
        try container.encodeIfPresent(failure, forKey: .failure)
        try container.encodeIfPresent(total, forKey: .total)
        try container.encode(changed, forKey: .changed)
        try container.encode(skipped, forKey: .skipped)
        if case .restore(let operation) = action { try container.encode(operation, forKey: .restores) }
        try container.encodeIfPresent(restorableUntilMilliseconds, forKey: .restorableUntil)
    }
}
