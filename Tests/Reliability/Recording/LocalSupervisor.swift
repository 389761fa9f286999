import StintCore
import StintSQLite
import StintWorker

/// A supervisor in this process that writes for a worker of this process. There is no socket between them, which disks that are
/// simulated need not have: messages arrive at once.
final class LocalSupervisor: Sendable {
    /// The worker's store.
    let store: any JobStore
    private let session: StoreSession

    /// - Parameters:
    ///   - own: The worker's own store.
    ///   - writer: The supervisor's, on the same file.
    init(worker own: SQLiteStore, writingThrough writer: SQLiteStore) {
        let requests = Receiver()
        let calls = StoreCalls(send: { requests.receive($0) }, onLateReply: { [weak own] in own?.giveBack($0) })
        session = StoreServer(writer).session(
            unsentBytes: { 0 },
            send: { reply in Self.forEachFrame(of: reply) { try calls.receive($0) } })
        requests.session = session
        store = calls.supervisedStore(over: own)
    }

    fileprivate static func forEachFrame(of bytes: [UInt8], _ receive: (UnsafeRawBufferPointer) throws -> Void) {
        var splitter = FrameSplitter(longestLine: 0, longestFrame: .max)
        do {
            try bytes.withUnsafeBytes { bytes in
                try splitter.append(bytes) { part in if case .frame(let frame) = part { try receive(frame) } }
            }
        } catch {
            fatalError("a message that cannot be read: \(error)")
        }
    }

    /// `@unchecked Sendable`: the session is set before the first message.
    private final class Receiver: @unchecked Sendable {
        weak var session: StoreSession?

        func receive(_ request: [UInt8]) {
            guard let session else { return }
            LocalSupervisor.forEachFrame(of: request) { try session.receive($0) }
        }
    }
}
