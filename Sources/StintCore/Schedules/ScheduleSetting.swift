/// What became of a schedule that was set.
public enum ScheduleSetting: Sendable, Hashable {
    /// It is new.
    case added
    /// There was one of this name with other contents, and it has these now.
    case replaced
    /// There was one with the same contents.
    case unchanged
}
