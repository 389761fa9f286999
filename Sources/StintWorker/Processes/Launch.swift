/// A process to start.
struct Launch: Sendable {
    enum Stream: Sendable {
        /// The same as this process's.
        case inherited
        /// /dev/null.
        case null
        /// An open descriptor of this process. The caller keeps it and must not close it before the start has returned.
        case descriptor(Int32)
    }

    /// A path; `PATH` is not searched.
    var executable: String
    /// Without the program's name.
    var arguments: [String]
    var environment: ProcessEnvironment
    /// Its current folder; `nil`: the same as this process's. A relative `executable` is then looked for in it.
    var folder: String?
    var standardInput = Stream.inherited
    var standardOutput = Stream.inherited
    var standardError = Stream.inherited
    /// Becomes the process's descriptor 3.
    var control: Int32?
    /// Whether it leads a process group of its own. Then Ctrl-C on the terminal does not reach it, and the group can be
    /// killed.
    var ownGroup = false
    /// Linux: it gets SIGKILL when this process ends, however that happens.
    var diesWithParent = false
    /// How much data it may allocate, in bytes. Linux: private writable memory (RLIMIT_DATA).
    var memoryLimit: Int64?
    /// Whether processes that it leaves behind are killed when it ends: its group, and all with its mark if this
    /// process adopts orphans.
    var endsDescendants = false
    /// The mark on it and its descendants. It is in their environment, unless this is a worker process.
    var mark: ProcessMark?
}
