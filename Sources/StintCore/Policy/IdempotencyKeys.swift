/// How long stores keep idempotency keys; see ``JobOptions/idempotencyKey``.
package enum IdempotencyKeys {
    /// How many old keys an enqueue with a key removes: more than it adds, so that only those of the last day are left.
    package static let removedAtOnce = 10

    /// A key from then or before is too old.
    package static func oldest(at now: Timestamp) -> Timestamp { now - JobOptions.idempotencyPeriod.milliseconds }
}
