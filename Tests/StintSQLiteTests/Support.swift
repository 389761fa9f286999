import Foundation
import StintCore
import StintPlatform
import StintSQLite
import StoreConformance
import Subprocess
import TestSupport
import Testing

typealias TemporaryFolder = TestSupport.TemporaryFolder

/// Every `examine` of a sound database: no count differs from its table.
func expectSound(_ store: SQLiteStore, _ location: SourceLocation = #_sourceLocation) async throws {
    for finding in try await store.examine() {
        #expect(finding.isGood, "\(finding.subject): \(finding.description)", sourceLocation: location)
    }
}

/// Tests/ClaimingWorker, which the package manager puts beside the tests.
var claimingWorker: String {
    (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/ClaimingWorker"
}

/// Runs it and returns its lines.
func runClaimingWorker(
    _ arguments: String..., expecting status: TerminationStatus = .exited(0)
) async throws -> [[Substring]] {
    let result = try await Subprocess.run(
        .path(FilePath(claimingWorker)), arguments: Arguments(arguments),
        output: .string(limit: 16_777_216),
        error: .string(limit: 65_536))
    #expect(result.terminationStatus == status, "\(result.standardError)")
    return result.standardOutput.split(separator: "\n").map { $0.split(separator: " ") }
}

extension JobQueue where Store == SQLiteStore {
    func claim(_ limit: Int = 1, from queues: [QueueName] = ["q"], lease: Duration = .seconds(60)) async throws
        -> [LeasedJob]
    {
        try await store.claim(
            ClaimRequest(queues: queues, limit: limit, lease: lease, worker: "test:1"))
    }

    func ack(_ jobs: [LeasedJob]) async throws {
        let answers = try await store.settle(jobs.map { Settlement($0.lease, .ack) })
        #expect(answers.allSatisfy { $0 == .settled(.done) })
    }
}
