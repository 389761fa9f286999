/// A process to start.
struct Launch: Sendable {
    enum Stream: Sendable {
        /// The same as this process's.
        case inherited
        /// /dev/null.
        case null
        /// An open descriptor of this process, which stays the caller's and must stay open until the start has returned.
        case descriptor(Int32)
    }

    /// A path; `PATH` is not searched.
    var executable: String
    /// Without the program's name.
    var arguments: [String]
    var environment: ProcessEnvironment
    var standardInput = Stream.inherited
    var standardOutput = Stream.inherited
    var standardError = Stream.inherited
    /// Becomes the process's descriptor 3.
    var control: Int32?
    /// Whether it leads a process group of its own: Ctrl-C on the terminal does not reach it, and it can be ended with
    /// all that it has started.
    var ownGroup = false
    /// Linux: it gets SIGKILL when this process ends, however that happens.
    var diesWithParent = false
    /// How much data it may allocate, in bytes. Linux: private memory that can be written to (RLIMIT_DATA).
    var memoryLimit: Int64?
    /// Whether what it leaves behind ends with it: its group, and all that its mark is on where this process adopts orphans.
    var endsDescendants = false
    /// On it and on all that comes of it, in its environment where it is no worker process.
    var mark: ProcessMark?
}
