import History
import StintCore
import StintPlatform
import StintRunFiles
import StintSQLite
import StintWorker

/// A process of a simulated world.
///
/// `@unchecked Sendable`: its world has one thread.
final class SimulatedProcess: LogicalProcess, @unchecked Sendable {
    /// The place that it fills: when it ends, another process takes the place.
    let place: Place
    let identity: ProcessIdentity
    let nature: Place.Nature
    /// The boot of the machine, whatever id it shows.
    let generation: Int
    let log: HistoryLog
    /// Shows others that its supervisor lives.
    var supervisorFile: SupervisorFile?
    /// Of a worker whose supervisor writes for it.
    var socket: SimulatedSocket?
    /// A supervisor's answers to its workers.
    var server: StoreServer?
    var hasOrderToStop = false
    /// Records all of its calls to the store.
    var store: RecordingStore?
    /// Shared by its workers.
    let runLock = ExclusiveRunLock()
    /// The workers that it has registered.
    var workers: [WorkerID] = []
    /// Its listeners for wake-ups.
    var listeners: [Int: (queues: [QueueName], continuation: AsyncStream<NextReady>.Continuation)] = [:]
    var isToldSoon = false
    /// Its listeners for revocations.
    var revocationListeners: [AsyncStream<Void>.Continuation] = []
    /// Its listeners for changes of schedules.
    var scheduleListeners: [AsyncStream<Void>.Continuation] = []
    /// Its handlers that have started and not returned.
    var handlers: [Lease] = []
    /// Whether they run alone; without those that may hang.
    var companions: [Lease: Bool] = [:]
    /// Jobs whose handler has started and whose outcome was not sent to the store.
    var unsettled: [Lease: String] = [:]
    var isEnqueueing = false
    /// What operators do through it at the moment.
    var operatorsAtWork = 0
    var wasStopped = false
    /// Whether it has ended by itself.
    var hasEnded = false
    /// Orders it to end in an orderly way.
    var shutDown: () -> Void = {}
    /// Cuts its work short.
    var cancel: () -> Void = {}

    /// The purpose of a process, and which others can know of its death.
    final class Place: @unchecked Sendable {
        let name: String
        let kind: Kind
        let stores: StoresOfProcess
        private(set) var nature: Nature
        private(set) var bootID: BootID
        var lives = 0

        enum Kind {
            /// Enqueues.
            case producer
            /// A person, and the supervisor of workers that write by themselves.
            case house
            case reaper
            /// Writes for the workers of a place.
            case supervisor
            case workers([WorkerPlan])
        }

        enum Nature {
            /// A supervisor sees its end at once.
            case supervised
            /// Every process that looks sees that it is dead.
            case plain
            /// Its file cannot be created, or is hidden: only its leases' deadlines show its death.
            case foreign
        }

        /// What it reads as the boot id: the machine's, one of its own (as systemd-nspawn gives it), or none.
        enum BootID {
            case machines, own, hidden
        }

        init(name: String, kind: Kind, stores: StoresOfProcess, nature: Nature, bootID: BootID = .machines) {
            self.name = name
            self.kind = kind
            self.stores = stores
            self.nature = nature
            self.bootID = bootID
        }

        /// Makes it visible to all, with the machine's boot id.
        func becomeOrdinary() {
            if nature == .foreign { nature = .plain }
            bootID = .machines
        }
    }

    init(_ place: Place, boot: String, generation: Int, number: Int32, log: (String) -> HistoryLog) {
        self.generation = generation
        nature = place.nature
        place.lives += 1
        let name = "\(place.name).\(place.lives)"
        self.place = place
        identity = ProcessIdentity(
            host: "simulated", boot: boot, namespaces: ProcessIdentity.current.namespaces, processID: number,
            startTime: Int64(number))
        self.log = log(name)
        super.init(name: name)
        // Its name is sent and stored, so it must not contain the id of the process that simulates: a history would
        // depend on how long that is.
        if let supervisor = supervisorID {
            supervisorFile = place.stores.store.signOfSupervisor(process: supervisor)
        }
    }

    /// Whether others can know that it died by itself: they see its lock, and a supervisor or one boot id proves the
    /// rest.
    var isDeathProvable: Bool { nature == .supervised || nature == .plain && identity.boot == "boot-\(generation)" }

    /// What the kernel does when it dies.
    func abandonLocks() {
        for worker in workers { place.stores.store.abandon(worker) }
    }

    func forget() {
        (held, listeners, shutDown, cancel, store) = ([], [:], {}, {}, nil)
        (socket, server) = (nil, nil)
        (revocationListeners, scheduleListeners) = ([], [])
    }

    var isSupervisor: Bool { if case .supervisor = place.kind { true } else { false } }
    var isWorker: Bool { if case .workers = place.kind { true } else { false } }

    /// Each process that is supervised has a supervisor of its own.
    var supervisor: WorkerProcess? {
        supervisorID.map {
            WorkerProcess(
                ProcessIdentity(
                    host: "simulated", boot: identity.boot, namespaces: identity.namespaces, processID: $0,
                    startTime: identity.startTime))
        }
    }

    private var supervisorID: Int32? { nature == .supervised ? identity.processID + 1_000_000 : nil }
}
