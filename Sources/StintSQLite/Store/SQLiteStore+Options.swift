import Logging
import StintCore
import StintPlatform
import StintSQLiteMigrations

extension SQLiteStore {
    public struct Options: Sendable {
        public var durability: Durability
        /// How long to wait for another process's write lock before a verb throws `databaseBusy`.
        public var busyTimeout: Duration
        /// Whether to create the file if it does not exist.
        public var createsFile: Bool
        /// Whether Stint's tables, all named `stint_…`, may be added to a database that has others.
        public var installsIntoOthers: Bool
        /// The permissions of a file that is created, and of all files beside it: 0600, or 0660 for several users of
        /// one group. The umask does not count. An existing file keeps its own.
        public var permissions: UInt32 = 0o600
        /// Whether only verbs that read will be used. Then a database can also be opened if this user may not write to
        /// it, or if it is on a read-only file system.
        public var onlyReads = false
        /// Whether the file may be on a file system that a program provides (FUSE). Only its user can know whether this
        /// machine alone uses it, and whether it can share memory between processes.
        public var allowsFUSE = false
        /// Whether this is the process that moves jobs here from another database; see ``MovableStore``.
        package var isMover = false
        public var logger: Logger
        /// The source of the time: this machine's clocks. Tests use a clock that they move.
        package var clock: any QueueClock = SystemClock()
        /// How processes wait for each other; for comparison.
        package var waiting = Waiting.gate
        /// Where its blocking work is done; a simulated world has executors of its own.
        package var executors: BlockingExecutor.Maker = BlockingExecutor.threads
        /// How often the thread that watches for commits reads the queues although nothing was reported.
        package var safetyLookInterval: Duration = .seconds(5)
        /// Whether the file's mark changes; see ``FileMarks``.
        package var marksFile = true
        /// The migrations that this Stint knows. With fewer or more it acts as an older or a newer Stint, for tests.
        package var migrations = SQLiteMigrations.all

        public init(
            durability: Durability = .full, busyTimeout: Duration = .seconds(30), createsFile: Bool = true,
            installsIntoOthers: Bool = true, logger: Logger = Logger(label: "stint")
        ) {
            self.durability = durability
            self.busyTimeout = busyTimeout
            self.createsFile = createsFile
            self.installsIntoOthers = installsIntoOthers
            self.logger = logger
        }
    }

    /// How a transaction waits until it may write.
    package enum Waiting: Sendable {
        /// In line, at the ``WriteGate``.
        case gate
        /// By SQLite's own busy handler, as most programs do.
        case busyTimeout
    }
}
