import Foundation
import GRDB
import History
import Logging
import StintCore
import StintSQLite
import Synchronization
import TestSupport

/// A workload on databases: steps of one change each, the same ones each time and at the same times, so that it is
/// known what the files may contain whenever it ends. It has one caller, and nothing in it is random.
package final class ScriptedWorkload {
    /// One file of an earlier Stint, a new one, and a backup of that.
    package static let files = ["old.db", "new.db", "copy.db"]
    /// The processes in the history.
    package static let voices = ["shop", "worker-1", "worker-2", "worker-3", "application"]
    /// Its jobs are not in the history, since they are deleted when they have been done for a while.
    static let fleeting: QueueName = "fleeting"

    /// The steps of a workload.
    package enum Script: Sendable {
        /// All that can happen to jobs and files, once.
        case whole
        /// A number of random verbs.
        case wandering(seed: UInt64, steps: Int)
    }

    let folder: String
    let script: Script
    let durability: Durability
    let clock = TestClock()
    private let landmarks: Checkpoints
    private var count = 0

    /// Callbacks for the beginning and the successful end of each step.
    package struct Checkpoints {
        package var begins: (_ step: Int, _ name: String) throws -> Void
        /// Includes whether a power cut cannot undo it.
        package var ended: (_ step: Int, _ isPromised: Bool) throws -> Void

        package init(
            begins: @escaping (_ step: Int, _ name: String) throws -> Void,
            ended: @escaping (_ step: Int, _ isPromised: Bool) throws -> Void
        ) {
            self.begins = begins
            self.ended = ended
        }
    }

    /// - Parameter folder: Where ``prepare(_:for:)`` has been.
    package init(in folder: String, script: Script, durability: Durability = .full, landmarks: Checkpoints) {
        self.folder = folder
        self.script = script
        self.durability = durability
        self.landmarks = landmarks
    }

    package static func history(in folder: String) -> String { folder + "/history" }

    /// Empty if nothing was written yet.
    package static func wholeHistory(in folder: String) throws -> [Event] {
        guard FileManager.default.fileExists(atPath: history(in: folder)) else { return [] }
        return try HistoryLog.read(history(in: folder))
    }

    /// - Returns: How many steps it had.
    @discardableResult
    package func live() async throws -> Int {
        switch script {
        case .whole:
            try await migrate()
            try await beMade()
        case .wandering(let seed, let steps): try await wander(seed, steps: steps)
        }
        return count
    }

    func step<Value>(
        _ name: String, isPromised: Bool = true, _ body: () async throws -> Value
    ) async throws -> Value {
        count += 1
        try landmarks.begins(count, name)
        let value = try await body()
        try landmarks.ended(count, isPromised)
        return value
    }

    func path(_ file: String) -> String { "\(folder)/\(file)" }

    func open(_ file: String) throws -> SQLiteStore {
        var logger = Logger(label: "life")
        logger.logLevel = .critical
        var options = SQLiteStore.Options(durability: durability, logger: logger)
        options.clock = clock
        return try SQLiteStore(path: path(file), options: options)
    }

    func voice(_ process: String) throws -> HistoryLog {
        try HistoryLog(Self.history(in: folder), process: process)
    }
}

/// Why the torture itself cannot go on.
package struct TortureError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
