import Foundation
import Stint
import StintCore
import Synchronization

/// The process that is woken: a worker as an application runs it, with nothing to do until a job comes. It notes when
/// each handler started, until its standard input ends.
struct WakeRole: Role {
    static let name = RoleName.waker

    let database: String
    /// `nil`: as a worker does it by itself.
    var concurrency: Int?
    var batch: Int?

    struct Start: Codable {
        /// The number in the payload.
        let number: Int
        /// On the clock that all processes share.
        let nanoseconds: Int64
    }

    func play(start: () throws -> StartBarrier) async throws -> [Start] {
        let starts = Mutex<[Start]>([])
        let queue = try await BenchQueue(at: database)
        var options = Worker.Options()
        options.batch = batch
        var worker = Worker(
            queue, queues: [StintWorkload.queue], concurrency: concurrency, options: options, logger: .quiet)
        worker.registerOthers { context in
            let now = MonotonicClock.nanoseconds()
            let number = Int(String(decoding: context.job.payload, as: UTF8.self)) ?? -1
            starts.withLock { $0.append(Start(number: number, nanoseconds: now)) }
        }
        let work = Task { [worker] in try await worker.run() }
        _ = try start()
        await StartBarrier.waitForEnd()
        work.cancel()
        try await work.value
        return starts.withLock { $0 }
    }
}
