import Foundation
import GRDB
import History
import Logging
import StintCore
import StintPlatform
import StintSQLite
import TestSupport

/// A disk that is really full while jobs run: they can be acknowledged, no new jobs are accepted, and when there is
/// free space again, everything goes on by itself.
package struct FullDisk {
    package enum Way: String, CaseIterable {
        /// Other programs take all that is free.
        case byOthers
        /// Jobs are enqueued until no more fit.
        case byJobs
        /// Other programs take all, and the log is longer than what the database may grow by out of the reserve.
        case withLongLog
        /// Jobs fill it, and the log cannot start again, because a process reads.
        case withReader
    }

    private static let queue: QueueName = "q"
    /// The number of jobs that run when the disk becomes full.
    private static let running = 40

    private let disk: String
    private let way: Way
    /// Whether the worker's calls go through a supervisor.
    private let isSupervised: Bool
    private let history: String
    private var path: String { "\(disk)/\(way).db" }
    private var filler: String { "\(disk)/\(way).filler" }

    /// - Parameters:
    ///   - disk: A small one, all of which will be used.
    ///   - elsewhere: A folder on another one, for the history.
    package init(_ way: Way, isSupervised: Bool, disk: String, elsewhere: String) {
        self.way = way
        self.isSupervised = isSupervised
        self.disk = disk
        history = "\(elsewhere)/\(way)\(isSupervised ? "-supervised" : "").history"
    }

    package struct Report: Sendable {
        package var acknowledged = 0
        package var extended = 0
        package var enqueued = 0
        /// What was left of the reserve.
        package var reserve = ""
        package var problems: [String] = []
    }

    package func run() async throws -> Report {
        var report = Report()
        do {
            var logger = Logger(label: "disk")
            logger.logLevel = .critical
            var options = SQLiteStore.Options(logger: logger)
            // Whoever recovers comes later, by the same clock: done jobs must not be past their retention.
            let clock = TestClock()
            options.clock = clock
            let raw = try SQLiteStore(path: path, options: options)
            let supervisor =
                isSupervised
                ? LocalSupervisor(worker: raw, writingThrough: try SQLiteStore(path: path, options: options)) : nil
            let log = try HistoryLog(history, process: "app")
            let store = RecordingStore(supervisor?.store ?? raw, log, clock: clock)
            try await store.configure(Self.queue, QueueSettings(retention: .seconds(86_400)))
            try await enqueue(2 * Self.running, "first", store)
            let request = ClaimRequest(queues: [Self.queue], limit: Self.running, lease: .seconds(600), worker: "app:1")
            var running = try await store.claim(request)
            for job in running {
                log.started(job)
                log.finished(job)
            }
            // It is removed when there must be free space again.
            try fill(leaving: 16_000_000)
            let reader = try way == .withReader || way == .withLongLog ? startReading() : nil
            switch way {
            case .byOthers: try fillUp()
            case .byJobs, .withReader: report.enqueued = try await enqueueUntilFull(store)
            case .withLongLog:
                report.enqueued = 300
                try await enqueue(report.enqueued, "long log", store)
                try fillUp()
                try reader?.close()
            }
            if way == .byOthers || way == .withLongLog {
                await expectRefusal("one enqueue", &report) { try await enqueue(1, "one too many", store) }
            }
            if way == .byOthers || way == .byJobs {
                // Far more than the reserve has space for: it must be enough for the log to start again, over and over.
                for _ in 0..<600 {
                    _ = try await store.extend(running.map(\.lease), by: .seconds(700))
                    report.extended += 1
                }
            }
            while let job = running.popLast() {
                do {
                    if !running.isEmpty {
                        report.extended += 1
                        let lost = try await store.extend(running.map(\.lease), by: .seconds(700))
                        if !lost.isEmpty { report.problems.append("leases were lost") }
                    }
                    let outcome: Settlement.Outcome =
                        running.count % 5 == 0 ? .fail(error: "no", retryAfter: .seconds(3_000)) : .ack
                    _ = try await store.settle(Settlement(job.lease, outcome))
                    report.acknowledged += 1
                    _ = (try await store.stats(), try await store.job(job.id))
                } catch {
                    report.problems.append("with \(running.count) more running: \(error)")
                }
            }
            let reserve = try await raw.examineSurroundings().first { $0.subject == "reserve" }
            report.reserve = reserve?.description ?? ""
            if reserve?.isGood == false {
                // It would fit, into what the acks have left of their part.
                await expectRefusal("a small enqueue", &report) { try await enqueue(1, "small", store) }
            }
            // More than the log has of its own.
            await expectRefusal("a large enqueue", &report) { try await enqueue(800, "large", store) }
            if way == .byOthers { await expectNoClaims(store, request, &report) }

            for suffix in ["", "-up"] where access(filler + suffix, F_OK) == 0 {
                try FileManager.default.removeItem(atPath: filler + suffix)
            }
            if way == .withReader { try reader?.close() }
            try await enqueue(3, "at last", store)
            for finding in try await raw.examineSurroundings() where !finding.isGood && finding.subject != "clock" {
                report.problems.append("when there was room again: \(finding)")
            }
            withExtendedLifetime(supervisor) {}
        }
        report.problems += try await whatIsWrongAfterwards()
        report.problems = report.problems.map { "\(way)\(isSupervised ? ", supervised" : ""): \($0)" }
        for suffix in ["", "-reserve"] { try FileManager.default.removeItem(atPath: path + suffix) }
        return report
    }

    /// When little is left, none of it may go to jobs that would have to be settled out of it.
    private func expectNoClaims(_ store: RecordingStore, _ request: ClaimRequest, _ report: inout Report) async {
        guard truncate(path + "-reserve", 500_000) == 0 else { return report.problems.append("it cannot be cut") }
        await expectRefusal("a claim", &report) { _ = try await store.claim(request) }
    }

    private func enqueue(_ number: Int, _ name: String, _ store: RecordingStore) async throws {
        let jobs = try (0..<number).map {
            try NewJob(Array("\(name) \($0) ".utf8) + [UInt8](repeating: 0x2E, count: 20_000), in: Self.queue)
        }
        _ = try await store.enqueue(jobs)
    }

    private func enqueueUntilFull(_ store: RecordingStore) async throws -> Int {
        for count in 0..<100_000 {
            do {
                try await enqueue(20, "batch \(count)", store)
            } catch let error as StintError where error.code == .storageFailed {
                return 20 * count
            }
        }
        throw TortureError("the disk does not become full")
    }

    private func expectRefusal(_ what: String, _ report: inout Report, _ body: () async throws -> Void) async {
        do {
            try await body()
            report.problems.append("\(what) returned")
        } catch let error as StintError where error.code == .storageFailed && error.description.contains("is full") {
        } catch {
            report.problems.append("\(what) was answered: \(error)")
        }
    }

    /// Takes all free space but this number of bytes.
    private func fill(leaving rest: Int) throws { try fill(filler, leaving: rest) }

    private func fillUp() throws { try fill(filler + "-up", leaving: 0) }

    private func fill(_ filler: String, leaving rest: Int) throws {
        let file = open(filler, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw TortureError("\(filler): \(systemError())") }
        defer { close(file) }
        let block = [UInt8](repeating: 7, count: 65_536)
        var size = 0
        while true {
            let written = write(file, block, block.count)
            if written <= 0 { break }
            size += written
        }
        guard errno == ENOSPC, ftruncate(file, off_t(max(0, size - rest))) == 0 else {
            throw TortureError("the disk could not be filled: \(systemError())")
        }
    }

    private func startReading() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: path, configuration: configuration)
        try reader.writeWithoutTransaction { try $0.execute(sql: "BEGIN; SELECT count(*) FROM stint_jobs") }
        return reader
    }

    private func whatIsWrongAfterwards() async throws -> [String] {
        var problems: [String] = []
        do {
            let clock = RecoveryWorker.clock(isRebooted: false)
            var options = SQLiteStore.Options()
            options.clock = clock
            let store = try SQLiteStore(path: path, options: options)
            problems += try await RecoveryWorker(store, clock, history: history).workOff()
            problems += try await store.examine().filter { !$0.isGood }.map { "at the end: \($0)" }
        }
        try await DiskTrial.awaitClosing(of: path)
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        let database = try DatabaseQueue(path: path, configuration: configuration)
        problems += try await database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }.filter {
            $0 != "ok"
        }
        try database.close()
        let final = try FinalState(of: path, isDrained: true)
        return problems + HistoryChecker(try HistoryLog.read(history), final).violations().map(\.description)
    }
}
