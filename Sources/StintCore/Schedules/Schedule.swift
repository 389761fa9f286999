/// A job that is enqueued again and again.
public struct Schedule: Sendable {
}
