import Foundation
import StintCore
import StintPlatform

@testable import StintWorker

/// A worker's store that goes through a supervisor's, over a real socket; both are in this process.
final class SupervisedPair: Sendable {
    /// The worker's.
    let store: SupervisedStore
    let calls: StoreCalls
    let channel: WorkerChannel
    let session: StoreSession
    private let workerEnd: Int32

    /// - Parameters:
    ///   - own: The worker's own store.
    ///   - supervisor: Another one on the same database.
    ///   - isReading: Whether the supervisor reads its messages.
    init(
        _ own: any JobStore, through supervisor: any SharedStore, isReading: Bool = true,
        patience: Duration = StoreCalls.patience
    ) throws {
        let (channel, workerEnd) = try WorkerChannel.pair()
        let session = StoreServer(supervisor).session(to: channel)
        let sender = MessageSender(workerEnd)
        let calls = StoreCalls(patience: patience, send: { sender.send($0) }, onLateReply: { own.giveBack($0) })
        guard let store = SupervisedStore(own, calls) else { throw StintError.invalidInput("it cannot be shared") }
        (self.store, self.calls, self.channel, self.session) = (store, calls, channel, session)
        self.workerEnd = workerEnd
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
        session(unsentBytes: { channel.unsentBytes }) { channel.send($0) }
    }
}
