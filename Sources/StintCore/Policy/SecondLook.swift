/// A lease that a reap finds past its deadline is left alone once, if its worker provably lives, or may have waited for
/// the same lock as the reap.
public enum SecondLook {
    /// How long after the first look, by the store's own time, the lease is reclaimed if it is still past its deadline.
    public static let delay: Duration = .milliseconds(250)
}
