import StintCore
import StintWorker

/// The socket of a worker process and its supervisor. The bytes of each side arrive in order, later, and in any pieces.
///
/// `@unchecked Sendable`: its world has one thread.
final class SimulatedSocket: @unchecked Sendable {
    let supervisor: SimulatedProcess
    /// The worker's requests.
    let calls: StoreCalls
    private let session: StoreSession
    private let requests: Direction
    private let dice: Dice

    /// - Parameter own: The worker's own store.
    init(of worker: SimulatedProcess, to supervisor: SimulatedProcess, _ server: StoreServer, own: SimulatedStore) {
        self.supervisor = supervisor
        dice = own.world.dice
        let requests = Direction(to: supervisor, own.world)
        let replies = Direction(to: worker, own.world)
        self.requests = requests
        calls = StoreCalls(send: { requests.send($0) }, onLateReply: { leases in worker.store?.giveBack(leases) })
        session = server.session(unsentBytes: { replies.bytes.count }, send: { replies.send($0) })
        requests.receive = { [session] in try session.receive($0) }
        replies.receive = { [calls] in try calls.receive($0) }
    }

    /// The supervisor does this when the worker's process has ended, and before it takes back the worker's jobs.
    ///
    /// - Parameter wasKilled: What it had not sent is lost, from any byte on.
    func finish(wasKilled: Bool) async {
        session.workerHasEnded()
        if wasKilled, dice.happens(50) { requests.bytes.removeLast(dice.int(0...requests.bytes.count)) }
        requests.deliver(requests.bytes.count)
        await session.settled()
    }

    /// What one side has sent.
    ///
    /// `@unchecked Sendable`: its world has one thread.
    private final class Direction: @unchecked Sendable {
        let receiver: SimulatedProcess
        let world: World
        var bytes: [UInt8] = []
        var receive: (UnsafeRawBufferPointer) throws -> Void = { _ in }
        private var isDue = false
        private var splitter = FrameSplitter(longestLine: 0, longestFrame: .max)

        init(to receiver: SimulatedProcess, _ world: World) {
            self.receiver = receiver
            self.world = world
        }

        func send(_ more: [UInt8]) {
            bytes += more
            deliverSoon()
        }

        private func deliverSoon() {
            guard !isDue, !bytes.isEmpty else { return }
            isDue = true
            world.scheduler.run(after: .microseconds(world.dice.int(5...300)), as: receiver) {
                self.isDue = false
                let count = self.bytes.count
                self.deliver(count > 0 && self.world.happens(30) ? self.world.dice.int(1...count) : count)
                self.deliverSoon()
            }
        }

        func deliver(_ count: Int) {
            let piece = Array(bytes.prefix(count))
            bytes.removeFirst(count)
            do {
                try piece.withUnsafeBytes { piece in
                    try splitter.append(piece) { part in
                        if case .frame(let frame) = part { try receive(frame) }
                    }
                }
            } catch {
                world.problem("\(receiver.name) was sent what it cannot read")
            }
        }
    }
}
