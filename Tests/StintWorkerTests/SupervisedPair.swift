import Foundation
import StintCore
import StintPlatform
import Synchronization

@testable import StintWorker

/// A worker's store that goes through a supervisor's, over a real socket; both are in this process.
final class SupervisedPair: Sendable {
    /// The worker's.
    let store: SupervisedStore
    let calls: StoreCalls
    let channel: WorkerChannel
    let session: StoreSession
    /// How many jobs came too late.
    private let late: Counter
    var lateJobs: Int { late.value }
    private let workerEnd: Int32

    /// - Parameters:
    ///   - own: The worker's own store.
    ///   - supervisor: Another one on the same database.
    ///   - isReading: Whether the supervisor reads its messages.
    convenience init(
        _ own: any JobStore, through supervisor: any SharedStore, isReading: Bool = true,
        patience: Duration = StoreCalls.patience
    ) throws {
        try self.init(own, through: StoreServer(supervisor), isReading: isReading, patience: patience)
    }

    init(
        _ own: any JobStore, through server: StoreServer, isReading: Bool = true,
        patience: Duration = StoreCalls.patience
    ) throws {
        let (channel, workerEnd) = try WorkerChannel.pair()
        let late = Counter()
        let session = server.session(to: channel)
        let sender = MessageSender(workerEnd)
        let calls = StoreCalls(
            patience: patience, send: { sender.send($0) },
            onLateReply: {
                late.add($0.count)
                own.giveBack($0)
            })
        guard let shared = own.unwrapped as? any SharedStore else {
            throw StintError.invalidInput("it cannot be shared")
        }
        let store = SupervisedStore(shared, calls)
        (self.store, self.calls, self.channel, self.session) = (store, calls, channel, session)
        (self.workerEnd, self.late) = (workerEnd, late)
        if isReading { read() }
        Thread.detachNewThread {
            calls.readReplies(from: workerEnd)
            sender.close()
            closeAll([workerEnd])
        }
    }

    /// The supervisor begins to read.
    func read() {
        channel.listen { [session] message in
            if case .frame(let frame) = message { try session.receive(frame) }
        }
    }

    /// The supervisor's end is closed, as when its process dies.
    func end() async { await channel.finish() }
}

extension StoreServer {
    /// As a supervisor's session with the worker at the other end.
    func session(to channel: WorkerChannel) -> StoreSession {
        session(unsentBytes: { channel.unsentBytes }, send: { channel.send($0) })
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .acquiring) }
    func add(_ number: Int) { count.add(number, ordering: .acquiringAndReleasing) }
}
