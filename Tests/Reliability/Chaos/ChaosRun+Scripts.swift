import Foundation
import History
import StintCore
import StintSQLite

extension ChaosRun {
    /// A worker is stopped in the middle of a job until its lease has run out and another worker runs the job. Then it
    /// continues, and acknowledges a job that it no longer holds.
    ///
    /// - Returns: What the history breaks, and the answer to the late ack.
    package func lateAck() async throws -> (report: Report, answer: Answer.Settled?) {
        let log = try HistoryLog(historyFile, process: "harness")
        let processes = try ProcessGroup(self, log)
        try await processes.runOnce(.founder)
        let queue = JobQueue(store: RecordingStore(try SQLiteStore(path: database), log))
        let job = try NewJob(
            Array("gate harness.1".utf8), in: "a", options: JobOptions(maxAttempts: 100, maxCrashes: 100))
        let id = try await queue.enqueue(jobs: [job])[0].id.rawValue
        var report = Report()
        let answer = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await processes.keepUp(.worker, 0) }
            let first = try await told("the job is started") { $0.runs.first }
            // It may be working before this process learns that it has started.
            let stopped = try await awaited("the worker is known") {
                await processes.living.first { ProcessName.of($0.id) == first.process }
            }
            await processes.stop(stopped)
            group.addTask { try await processes.keepUp(.reaper, 0) }
            group.addTask { try await processes.keepUp(.worker, 1) }
            let second = try await told("another worker starts it") { jobHistory in
                jobHistory.runs.first { $0.lease != first.lease }
            }
            try open(first)
            await processes.goOn(stopped)
            let answer = try await told("the late ack is answered") { $0.settled(first) }
            try open(second)
            _ = try await told("the other ack is answered") { $0.settled(second) }
            await processes.dismiss()
            try await group.waitForAll()
            return answer
        }
        report.troubles = await processes.troubles
        try await judge(&report)
        return (report, answer)

        func told<Value>(_ what: String, _ find: (History.JobHistory) -> Value?) async throws -> Value {
            try await awaited(what) {
                try History(HistoryLog.read(historyFile, isGrowing: true)).jobHistories[id].flatMap(find)
            }
        }
    }

    /// One job kills one worker after the other, each without other jobs, until it is buried.
    package func poison() async throws -> Report {
        let log = try HistoryLog(historyFile, process: "harness")
        let processes = try ProcessGroup(self, log)
        try await processes.runOnce(.founder)
        let queue = JobQueue(store: RecordingStore(try SQLiteStore(path: database), log))
        let job = try NewJob(Array("poison harness.1".utf8), in: "a", options: JobKind.poison.options)
        let id = try await queue.enqueue(jobs: [job])[0].id
        var report = Report()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await processes.keepUp(.worker, 0) }
            group.addTask { try await processes.keepUp(.reaper, 0) }
            let deadline = ContinuousClock.now + .seconds(60)
            while try await queue.store.job(id)?.record.state != .buried {
                guard ContinuousClock.now < deadline else {
                    throw HistoryError("the job is not buried within a minute")
                }
                try await Task.sleep(for: .milliseconds(10))
            }
            await processes.dismiss()
            try await group.waitForAll()
        }
        report.troubles = await processes.troubles
        try await judge(&report)
        return report
    }

    /// Checks repeatedly until it is there.
    @discardableResult
    private func awaited<Value>(_ what: String, _ find: () async throws -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let found = try await find() { return found }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw HistoryError("after a minute still not: \(what)")
    }

    private func open(_ run: History.Run) throws {
        let gate = JobKind.gate(of: database, token: run.lease.token)
        guard FileManager.default.createFile(atPath: gate, contents: nil) else {
            throw HistoryError("\(gate) cannot be made")
        }
    }
}

extension History.JobHistory {
    /// The answer to the holder's last settlement.
    fileprivate func settled(_ run: History.Run) -> Answer.Settled? {
        settled.first { $0.settlement.lease == run.lease && $0.settlement.outcome == .ack }?.answer
    }
}
