import Foundation
import StintCore
import StintPlatform
import Synchronization

/// A worker process's connection to the supervisor that started it.
///
/// If the connection breaks, the supervisor has died. Then this process kills its handlers, releases their jobs and
/// ends within seconds. No job is blamed.
final class SupervisorConnection: Sendable {
    /// How long the process may take to release its jobs when its supervisor has died.
    private static let farewell: Duration = .seconds(5)

    /// The connection of this process, once ``connect()`` has made it; `nil` before, and in a process that no
    /// supervisor started.
    static var current: SupervisorConnection? { connected.withLock(\.self) }
    private static let connected = Mutex<SupervisorConnection?>(nil)

    /// Whether a supervisor started this process to work. Changes nothing.
    static var isOffered: Bool { connected.withLock { $0 != nil || SupervisorOffer.ofThisProcess != nil } }

    /// The mark that the supervisor gave this process; `nil` if none started it. Changes nothing.
    static var offeredMark: ProcessMark? { connected.withLock { $0?.mark ?? SupervisorOffer.ofThisProcess?.mark } }

    /// Makes this process the worker of the supervisor that started it: ends with it, leaves the signals of a terminal
    /// to it, and passes neither the connection nor the variables on to processes that it starts. A second call changes
    /// nothing.
    ///
    /// - Returns: `nil` if no supervisor started this process.
    static func connect() -> SupervisorConnection? {
        connected.withLock { connected in
            if connected == nil, let offer = SupervisorOffer.ofThisProcess {
                // What this process starts is not the supervisor's worker.
                unsetenv(SupervisorOffer.variable)
                connected = SupervisorConnection(offer)
            }
            return connected
        }
    }

    /// The number of this worker, from 1.
    let number: Int
    let supervisor: WorkerProcess
    let supervisorSign: String?
    /// The mark on all processes that this process starts.
    let mark: ProcessMark
    /// See ``SupervisorOffer/store``.
    private let offeredStore: String?
    private let channel: Int32
    private let sender: MessageSender
    private let calls: StoreCalls
    /// Gives back what was claimed for this worker when it did not wait for it any more.
    private let own: OwnStore
    private let isBeatPending = Atomic(false)
    private let state = Mutex(State())

    private struct State {
        var isAbandoned = false
        var action: (@Sendable () -> Void)?
    }

    private init(_ offer: SupervisorOffer) {
        channel = offer.channel
        let (sender, own) = (MessageSender(offer.channel), OwnStore())
        calls = StoreCalls(send: { sender.send($0) }, onLateReply: { own.giveBack($0) })
        (self.sender, self.own) = (sender, own)
        offeredStore = SupervisorOffer.store
        unsetenv(SupervisorOffer.storeVariable)
        supervisorSign = offer.sign
        number = offer.number
        mark = offer.mark
        supervisor = WorkerProcess(ProcessIdentity(ofProcess: offer.supervisor))
        _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
        // The supervisor decides what signals from a terminal mean.
        for signal in [SIGINT, SIGHUP, SIGPIPE] { _ = StintPlatform.signal(signal, SIG_IGN) }
        do {
            try startLongLivedThread { self.watch() }
        } catch {
            // Otherwise it might outlive its supervisor. The supervisor starts another one when threads are available
            // again.
            FileHandle.standardError.write(Data("stint: the worker cannot watch its supervisor: \(error)\n".utf8))
            exit(75)
        }
    }

    /// Sends heartbeats from tasks, which proves that Swift's threads still run. All workers of a machine beat at the same
    /// moments, so their supervisor is woken once for many heartbeats.
    ///
    /// - Parameter interval: A part of the supervisor's heartbeat timeout. Each heartbeat wakes an idle worker.
    func beat(every interval: Duration) {
        do {
            // A task that sleeps wakes twice as many threads.
            try startLongLivedThread {
                while true {
                    self.beat()
                    usleep(UInt32(clamping: Int64(MachineClock.untilNext(interval) / .microseconds(1))))
                }
            }
        } catch {
            Task {
                while !Task.isCancelled {
                    self.say(.beat)
                    try await Task.sleep(for: interval)
                }
            }
        }
    }

    /// If the last heartbeat still waits for a thread, there is none: no second one is lined up behind it.
    private func beat() {
        guard !isBeatPending.exchange(true, ordering: .acquiringAndReleasing) else { return }
        Task {
            isBeatPending.store(false, ordering: .releasing)
            say(.beat)
        }
    }

    /// Whether the supervisor has died. From then on no job is blamed.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Called once, from a thread of its own, when the supervisor has died.
    func onAbandonment(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.action = action
            return state.isAbandoned
        }
        if isLate { action() }
    }

    /// Makes a worker's store of this process's own: its calls go through the supervisor, if that has the same database and
    /// speaks the same protocol.
    func store(_ own: any JobStore) -> any JobStore {
        guard let offeredStore, let shared = own.unwrapped as? any SharedStore,
            SupervisorOffer.text(of: shared) == offeredStore
        else { return own }
        self.own.set(own)
        return own.replacingUnwrapped { _ in calls.supervisedStore(over: shared) }
    }

    /// Sends a message without blocking: a supervisor that does not read must not stop its workers.
    func say(_ message: ControlMessage) { sender.say(message) }

    /// The last message of this process. It waits until all is sent, since a worker that ends without it seems to have
    /// died; a supervisor that is dead gets none.
    func sendLast(_ message: ControlMessage) {
        say(message)
        while !sender.isEmpty, Self.mayWrite(channel) { sender.flush() }
    }

    /// Waits, at most a second, until something can be written.
    ///
    /// - Returns: `false` if the other end is closed, so nothing sent is ever read.
    static func mayWrite(_ socket: Int32) -> Bool {
        var event = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return poll(&event, 1, 1_000) < 1 || event.revents & Int16(POLLHUP | POLLERR | POLLNVAL) == 0
    }

    /// Runs on a thread of its own, so that it works even if handlers block all of Swift's threads.
    private func watch() -> Never {
        calls.readReplies(from: channel)
        // Nothing that is sent is ever read.
        sender.close()
        let action = state.withLock { state in
            state.isAbandoned = true
            return state.action
        }
        ProcessLauncher.shared.killAllGroups()
        action?()
        // Processes that have left their group.
        MarkedProcesses.kill(coveredBy: mark, rounds: 1_000)
        Thread.sleep(forTimeInterval: Double(Self.farewell.components.seconds))
        _exit(75)
    }
}

/// A worker's own store, once it has one.
private final class OwnStore: Sendable {
    private let store = Mutex<(any JobStore)?>(nil)

    func set(_ store: any JobStore) { self.store.withLock { $0 = store } }
    func giveBack(_ late: [Lease]) { store.withLock(\.self)?.giveBack(late) }
}
