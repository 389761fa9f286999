import Foundation
import Stint
import StintCore
import StintPlatform

/// What else is in the file while jobs are claimed and acknowledged.
enum FlatKind: String, Codable, CaseIterable {
    case small, ready, delayed, buried, queues, aged
}

/// How large each of them is.
struct FlatSizes: Codable, Sendable {
    /// Ready jobs, except in the large file.
    var small: Int
    var ready: Int
    /// Delayed jobs, and buried ones.
    var others: Int
    var queues: Int
    var refills: Int

    func title(_ kind: FlatKind) -> String {
        switch kind {
        case .small: count(small, "ready job")
        case .ready: count(ready, "ready job")
        case .delayed: "and \(count(others, "delayed job"))"
        case .buried: "and \(count(others, "buried job"))"
        case .queues: "and \(count(queues, "other queue"))"
        case .aged: "emptied and refilled \(refills) times, ids past 2^40"
        }
    }

    func make(_ kind: FlatKind, _ path: String) async throws {
        try await BulkFile.make(path) { file in
            switch kind {
            case .small: try file.addReady(small)
            case .ready: try file.addReady(ready)
            case .delayed:
                try file.addDelayed(others)
                try file.addReady(small)
            case .buried:
                try file.addBuried(others)
                try file.addReady(small)
            case .queues:
                try file.addQueues(queues)
                try file.addReady(small)
            case .aged:
                try file.moveIDs(past: 1 << 40)
                try file.addReady(small)
            }
        }
        if kind == .aged { try await age(path) }
    }

    /// Uses the store's own verbs, since the question is how they leave the file.
    private func age(_ path: String) async throws {
        let queue = try await JobQueue(.sqlite(path, durability: .normal))
        for _ in 0..<refills {
            let drained = try await queue.drain(batch: ClaimRequest.maximumLimit)
            guard drained == small else { throw BenchError("a refilled file had \(drained) jobs and not \(small)") }
            try await queue.refill(small)
        }
    }
}

extension JobQueue {
    /// Enqueues this many jobs of 100 bytes.
    func refill(_ jobs: Int, batch: Int = 1_000) async throws {
        let job = try NewJob(Backlog.payload, in: StintWorkload.queue)
        for start in stride(from: 0, to: jobs, by: batch) {
            try await enqueue(jobs: Array(repeating: job, count: min(batch, jobs - start)))
        }
    }

    /// Claims and acknowledges until nothing is ready.
    ///
    /// - Returns: The number of jobs.
    func drain(batch: Int) async throws -> Int {
        let request = ClaimRequest(
            queues: [StintWorkload.queue], limit: batch, lease: .seconds(600), worker: ProcessIdentity.current.name)
        var (finished, drained): ([Settlement], Int) = ([], 0)
        while true {
            let exchange = try await store.exchange(finished, for: request)
            guard exchange.answers.allSatisfy({ $0 == .settled(.done) }) else {
                throw BenchError("an acknowledgement was refused although its lease stood")
            }
            if exchange.jobs.isEmpty { return drained }
            finished = exchange.jobs.map { Settlement($0.lease, .ack) }
            drained += finished.count
        }
    }
}
