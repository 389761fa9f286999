#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Identifies a process of a machine. A process id alone does not: it is reused after its process has ended.
public struct ProcessIdentity: Sendable, Hashable, Codable {
    /// The host's name, for people.
    public let host: String
    /// The machine's boot id.
    public let boot: String
    /// Linux: the pid and time namespaces, in which `processID` and `startTime` mean something. Elsewhere empty.
    public let namespaces: String
    public let processID: Int32
    /// Linux: clock ticks since the boot (proc_pid_stat(5), field 22). Darwin: microseconds since 1970.
    public let startTime: Int64

    public init(host: String, boot: String, namespaces: String, processID: Int32, startTime: Int64) {
        self.host = host
        self.boot = boot
        self.namespaces = namespaces
        self.processID = processID
        self.startTime = startTime
    }

    /// This process. Its start time is 0 if /proc cannot be read; then its end cannot be proved.
    public static let current = ProcessIdentity(ofProcess: getpid())

    /// A process of this machine, such as a parent or a child.
    package init(ofProcess id: Int32) {
        self.init(
            host: Self.hostName, boot: SystemClock().now().boot, namespaces: Self.namespaces, processID: id,
            startTime: Self.facts(id)?.startTime ?? 0)
    }

    /// Ignores the host's name, which may change while the process lives.
    public static func == (left: ProcessIdentity, right: ProcessIdentity) -> Bool {
        left.boot == right.boot && left.namespaces == right.namespaces && left.processID == right.processID
            && left.startTime == right.startTime
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(boot)
        hasher.combine(processID)
        hasher.combine(startTime)
    }

    /// `host:pid`, for people.
    public var name: String { "\(host):\(processID)" }

    public enum Existence: Sendable, Hashable {
        case exists
        /// Ended for certain. Includes zombies, and processes whose id was reused.
        case gone
        /// It is in another pid namespace, or hidden: only the lease's deadline decides.
        case unknown
    }

    /// Whether the process still runs, as far as this process can see. For display only: decisions about jobs use
    /// ``Liveness``.
    public func existence() -> Existence {
        existence(seenFrom: .current)
    }

    /// The same, as seen by `observer`, which is another process only in tests.
    package func existence(seenFrom observer: ProcessIdentity) -> Existence {
        guard boot != "unknown", observer.boot != "unknown" else { return .unknown }
        guard boot == observer.boot else { return .gone }
        guard namespaces == observer.namespaces, startTime != 0 else { return .unknown }
        if kill(processID, 0) != 0 && errno == ESRCH { return .gone }
        // It exists, but may be hidden from this user (/proc mounted with hidepid).
        guard let facts = Self.facts(processID) else { return .unknown }
        return facts.startTime == startTime && !facts.isZombie ? .exists : .gone
    }

    /// The memory that is resident now, in bytes; `nil` if it is unknown.
    package var residentMemory: Int64? {
        guard existence() == .exists else { return nil }
        return Self.residentMemory(ofProcess: processID)
    }

    /// Whether it was stopped (SIGSTOP, a debugger), as far as this process can see.
    package var isStopped: Bool { Self.facts(processID).map { $0.startTime == startTime && $0.isStopped } ?? false }

    // MARK: - The system

    private static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    #if canImport(Darwin)
        static let hasNamespaces = false
        private static let namespaces = ""

        private static func facts(_ id: Int32) -> (startTime: Int64, isZombie: Bool, isStopped: Bool)? {
            var info = kinfo_proc()
            var size = MemoryLayout<kinfo_proc>.stride
            var query = [CTL_KERN, KERN_PROC, KERN_PROC_PID, id]
            guard sysctl(&query, 4, &info, &size, nil, 0) == 0, size > 0 else { return nil }
            let start = info.kp_proc.p_starttime
            let state = Int32(info.kp_proc.p_stat)
            return (Int64(start.tv_sec) * 1_000_000 + Int64(start.tv_usec), state == SZOMB, state == SSTOP)
        }

        package static func residentMemory(ofProcess id: Int32) -> Int64? {
            var info = proc_taskinfo()
            let size = Int32(MemoryLayout<proc_taskinfo>.stride)
            return proc_pidinfo(id, PROC_PIDTASKINFO, 0, &info, size) == size ? Int64(info.pti_resident_size) : nil
        }
    #else
        static let hasNamespaces = true
        private static let namespaces = ["pid", "time"].compactMap(namespace).joined(separator: " ")

        /// `pid:[4026531836]`; `nil` if the kernel has none or /proc is not mounted.
        private static func namespace(_ kind: String) -> String? {
            var buffer = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/self/ns/\(kind)", &buffer, buffer.count)
            return count > 0 ? String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
        }

        private static func facts(_ id: Int32) -> (startTime: Int64, isZombie: Bool, isStopped: Bool)? {
            // `pid (name) state parent …`, where the name may have any character; the start time is field 22.
            guard let text = read("/proc/\(id)/stat"), let end = text.lastIndex(of: ")") else { return nil }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 19, let start = Int64(fields[19]) else { return nil }
            // A main thread that has ended is a zombie too, while the other threads of its process go on: field 20.
            let isZombie = (fields[0] == "Z" || fields[0] == "X") && ["0", "1"].contains(fields[17])
            return (start, isZombie, fields[0].lowercased() == "t")
        }

        package static func residentMemory(ofProcess id: Int32) -> Int64? {
            guard let fields = read("/proc/\(id)/statm")?.split(separator: " "), fields.count > 1 else { return nil }
            return Int64(fields[1]).map { $0 * Int64(sysconf(Int32(_SC_PAGESIZE))) }
        }

        private static func read(_ path: String) -> String? {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            defer { close(file) }
            var buffer = [UInt8](repeating: 0, count: 1_024)
            let count = Glibc.read(file, &buffer, buffer.count)
            return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
        }
    #endif
}
