import Dispatch
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StintCore
import StintPlatform
import Synchronization

/// Serves beanstalkd's protocol in front of a queue: its tubes are the queues of the store.
///
/// Nothing here knows who a client is: whoever reaches the address may do everything. See docs/beanstalkd.md.
public struct JobServer: Service {
    public struct Options: Sendable {
        /// The most bytes of a job.
        public var largestJob = 65_535
        /// A job is buried after its client was lost, or did not finish it in time, this many times; `nil`: never.
        public var maxCrashes: Int? = 10
        /// What separates a queue from a group in the name of a tube that a client uses; `nil`: nothing.
        public var groupSeparator: GroupSeparator?
        /// Whether other machines may reach the server. The protocol has no passwords.
        public var allowsRemote = false
        /// The most connections; more are closed at once.
        public var maximumConnections = 12_000
        /// The most bytes of replies that wait for clients to read them, of all connections together, beside 16 KiB of each.
        /// If there are more, connections are closed, those first whose replies have waited longest.
        public var maximumUnsentBytes = 268_435_456
        /// What `stats` says of a log's files, which do not exist here.
        public var binlogSize = 10_485_760
        public var logger = Logger(label: "stint.beanstalk")

        public init() {}
    }

    /// Where a server listens.
    public enum Address: Sendable, Hashable {
        /// An IP address, or `localhost`. Port 0: any free one.
        case host(String, port: Int)
        /// A Unix socket, which only this user can use. A stale one is replaced.
        case unix(path: String)
    }

    private let queue: JobQueue<AnyJobStore>
    private let address: Address
    private let listener: Listener?
    private let options: Options
    private let control = ServerControl()
    private let onListening: @Sendable (_ address: String) async -> Void

    /// - Parameter onListening: Called with the address when connections are accepted.
    /// - Throws: ``StintError`` with the code `invalidInput` if the address is none, or other machines can reach it and
    ///   that was not allowed.
    public init<Store>(
        _ queue: JobQueue<Store>, at address: Address, options: Options = Options(),
        onListening: @escaping @Sendable (_ address: String) async -> Void = { _ in }
    ) throws {
        try Listener.check(address, options)
        self.init(queue, at: address, nil, options: options, onListening: onListening)
    }

    /// Serves those who have connected to a listener that was begun before.
    public init<Store>(_ queue: JobQueue<Store>, on listener: Listener, options: Options = Options()) {
        self.init(queue, at: listener.address, listener, options: options) { _ in }
    }

    private init<Store>(
        _ queue: JobQueue<Store>, at address: Address, _ listener: Listener?, options: Options,
        onListening: @escaping @Sendable (_ address: String) async -> Void
    ) {
        let store: any JobStore = queue.store
        self.queue = JobQueue(store: store as? AnyJobStore ?? AnyJobStore(store, address: ""))
        self.address = address
        self.listener = listener
        self.options = options
        self.onListening = onListening
    }

    /// From now on no job is put; everything else goes on. For the end of a server.
    public func drain() { control.drain() }

    /// What it has counted; `nil`: it does not run yet.
    public var metrics: ServerMetrics? {
        get async { await control.broker?.metrics }
    }

    public func run() async throws {
        let listener: Listener
        if let known = self.listener { listener = known } else { listener = try await Listener(at: address, options) }
        do {
            try await serve(on: listener)
        } catch {
            try await listener.close()
            throw error
        }
        try await listener.close()
    }

    private func serve(on listener: Listener) async throws {
        let broker = Broker(queue, on: listener.loop, options: options)
        // What an earlier server held is ready before the first client asks.
        _ = try await queue.store.reclaimDead()
        try await broker.register()
        try await broker.countJobs()
        try await broker.warnOfHiddenQueues()
        let limits = ConnectionLimits(
            most: ResourceLimit.connections(
                atMost: options.maximumConnections, descriptors: ResourceLimit.openFilesLimit),
            broker)
        try await listener.accept(broker, limits)
        control.begin(broker)
        await onListening(listener.name)
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await broker.listen() }
                tasks.addTask {
                    while !Task.isCancelled {
                        await broker.keepLeases()
                        // Cancelled at the end.
                        do { try await Task.sleep(for: Broker.lease / 4) } catch { return }
                    }
                }
                await withTaskCancellationHandler {
                    await listener.untilClosed()
                } onCancel: {
                    listener.stopListening()
                }
                tasks.cancelAll()
            }
        } onGracefulShutdown: {
            listener.stopListening()
        }
        await broker.stop()
        await limits.closeAll(on: listener.loop)
        await withCheckedContinuation { done in broker.tasks.notify(queue: .global()) { done.resume() } }
    }
}

/// How a server that runs is told something.
private final class ServerControl: Sendable {
    private struct State {
        var drains = false
        var broker: Broker?
    }

    private let state = Mutex(State())

    func drain() {
        let broker = state.withLock { state in
            state.drains = true
            return state.broker
        }
        if let broker { Task { await broker.drain() } }
    }

    var broker: Broker? { state.withLock(\.broker) }

    func begin(_ broker: Broker) {
        let drains = state.withLock { state in
            state.broker = broker
            return state.drains
        }
        if drains { Task { await broker.drain() } }
    }
}
