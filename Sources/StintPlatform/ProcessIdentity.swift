/// Identifies a process of a machine. A process id alone does not: it is reused after its process has ended.
package struct ProcessIdentity: Sendable, Hashable, Codable {
    /// The host's name, for people.
    package let host: String
    /// The machine's boot id.
    package let boot: String
    /// Linux: the pid and time namespaces, in which `processID` and `startTime` mean something. Elsewhere empty.
    package let namespaces: String
    package let processID: Int32
    /// Linux: clock ticks since the boot (proc_pid_stat(5), field 22). Darwin: microseconds since 1970.
    package let startTime: Int64

    package init(host: String, boot: String, namespaces: String, processID: Int32, startTime: Int64) {
        self.host = host
        self.boot = boot
        self.namespaces = namespaces
        self.processID = processID
        self.startTime = startTime
    }

    /// This process. Its start time is 0 if /proc cannot be read; then its end cannot be proved.
    package static let current = ProcessIdentity(ofProcess: getpid())

    /// A process of this machine, such as a parent or a child.
    package init(ofProcess id: Int32) {
        self.init(
            host: Self.hostName, boot: MachineClock.bootID, namespaces: ProcessNamespaces.ofThisProcess, processID: id,
            startTime: ProcessFacts(ofProcess: id)?.startTime ?? 0)
    }

    /// Ignores the host's name, which may change while the process lives.
    package static func == (left: ProcessIdentity, right: ProcessIdentity) -> Bool {
        left.boot == right.boot && left.namespaces == right.namespaces && left.processID == right.processID
            && left.startTime == right.startTime
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(boot)
        hasher.combine(processID)
        hasher.combine(startTime)
    }

    /// `host:pid`, for people.
    package var name: String { "\(host):\(processID)" }

    // MARK: - As text

    /// All that identifies it, in one text: `4711;82731;pid:[4026531836] time:[4026531834];2f1c…`.
    package var text: String { "\(processID);\(startTime);\(namespaces);\(boot)" }

    /// - Parameters:
    ///   - text: A process's ``text``.
    ///   - name: Its ``name``.
    /// - Returns: `nil` if that is the text of something else.
    package init?(text: String, name: String) {
        let fields = text.split(separator: ";", maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4, let id = Int32(fields[0]), let startTime = Int64(fields[1]) else { return nil }
        let suffix = ":\(id)"
        self.init(
            host: name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name, boot: String(fields[3]),
            namespaces: String(fields[2]), processID: id, startTime: startTime)
    }

    // MARK: - Clocks

    /// Whether the monotonic clocks of both may be one: `false` if they are known to be in different time namespaces.
    package func mayShareClock(with other: ProcessIdentity) -> Bool {
        guard let mine = timeNamespace, let others = other.timeNamespace else { return true }
        return mine == others
    }

    private var timeNamespace: Substring? { namespaces.split(separator: " ").first { $0.hasPrefix("time:") } }

    // MARK: - Existence

    package enum Existence: Sendable, Hashable {
        case exists
        /// Ended for certain. Includes zombies, and processes whose id was reused.
        case gone
        /// It is in another pid namespace, or hidden: only the lease's deadline decides.
        case unknown
    }

    /// Whether the process still runs, as far as this process can see. For display only: decisions about jobs need a
    /// proof, such as a lock.
    package func existence() -> Existence {
        existence(seenFrom: .current)
    }

    /// The same, as seen by `observer`, which is another process only in tests.
    package func existence(seenFrom observer: ProcessIdentity) -> Existence {
        guard boot != "unknown", observer.boot != "unknown" else { return .unknown }
        guard boot == observer.boot else { return .gone }
        guard namespaces == observer.namespaces, startTime != 0 else { return .unknown }
        if kill(processID, 0) != 0 && errno == ESRCH { return .gone }
        // It exists, but may be hidden from this user (/proc mounted with hidepid).
        guard let facts = ProcessFacts(ofProcess: processID) else { return .unknown }
        return facts.startTime == startTime && !facts.isZombie ? .exists : .gone
    }

    /// The memory that is resident now, in bytes; `nil` if it is unknown.
    package var residentMemory: Int64? {
        guard existence() == .exists else { return nil }
        return ProcessMemory.resident(ofProcess: processID)
    }

    /// Whether it was stopped (SIGSTOP, a debugger), as far as this process can see.
    package var isStopped: Bool {
        ProcessFacts(ofProcess: processID).map { $0.startTime == startTime && $0.isStopped } ?? false
    }

    // MARK: - The system

    private static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}
