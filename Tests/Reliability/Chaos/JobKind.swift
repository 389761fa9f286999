import Foundation
import StintCore
import TestSupport

/// What a job of a run does to its process. Its payload names it, `slow p12.7`, and is unique.
enum JobKind: String, CaseIterable, Sendable {
    case good, slow
    /// Longer than a lease.
    case long
    /// Ends when there is a file with its token in its name, even if it is cancelled meanwhile.
    case gate
    /// Fails at its first attempt.
    case fails
    /// Its handler buries it.
    case bury
    /// Gives itself back at its first attempt.
    case release
    /// Kills its process.
    case poison

    init(payload: String) {
        self = JobKind(rawValue: String(payload.prefix { $0 != " " })) ?? .good
    }

    /// - Parameter isCalm: Whether none may kill its process.
    static func random(isCalm: Bool, using chance: inout SeededGenerator) -> JobKind {
        switch Int.random(in: 0..<1_000, using: &chance) {
        case 0..<700: .good
        case 700..<830: .slow
        case 830..<850: .long
        case 850..<920: .fails
        case 920..<960: .bury
        case 960..<995: .release
        default: isCalm ? .good : .poison
        }
    }

    /// A harness that kills at random makes innocent jobs crash; only a job that kills by itself may be buried for
    /// that.
    var options: JobOptions {
        JobOptions(maxAttempts: 100_000, maxCrashes: self == .poison ? 2 : 100_000)
    }

    /// Whether its job may be replaced, or be an event of a digest, which does what its first event does.
    var canBeMerged: Bool {
        switch self {
        case .good, .slow, .fails, .release: true
        case .long, .gate, .bury, .poison: false
        }
    }

    /// The exit code of a process that one of its jobs has ended.
    static let poisonedExit: Int32 = 77

    /// The file that a job at the gate waits for.
    static func gate(of database: String, token: Int64) -> String { "\(database)-open-\(token)" }

    func perform(attempt: Int, token: Int64, database: String) async throws {
        switch self {
        case .good: return
        case .slow: try await Task.sleep(for: .milliseconds(20 + token % 7 * 40))
        case .long: try await Task.sleep(for: .milliseconds(900 + token % 7 * 100))
        case .gate: while access(Self.gate(of: database, token: token), F_OK) != 0 { usleep(2_000) }
        case .fails: if attempt == 1 { throw JobVerdict.retry(after: .milliseconds(50)) }
        case .bury: throw JobVerdict.bury("it asked for it")
        case .release: if token % 3 != 0 { throw JobVerdict.release(after: .milliseconds(20)) }
        case .poison: if token % 2 == 0 { exit(Self.poisonedExit) } else { kill(getpid(), SIGKILL) }
        }
    }
}
