import Foundation
import StintPlatform
import Subprocess

/// A real `stint` in a folder of its own.
struct Child: Sendable {
    struct Outcome: Sendable {
        let status: TerminationStatus
        let output: [UInt8]
        let errors: String
    }

    /// The time that any command may take, on a busy machine.
    private static let deadline: Duration = .seconds(60)

    /// Beside this program.
    static let stint = (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/stint"

    /// Its current folder.
    let folder: String

    /// - Returns: `nil` if it had not ended at the deadline; it was killed then.
    func run(_ arguments: [[UInt8]], input: [UInt8] = []) async throws -> Outcome? {
        try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    configuration(arguments), input: .inputWriter, output: .bytes(limit: 1 << 26),
                    error: .string(limit: 1 << 22)
                ) { execution in
                    do {
                        _ = try await execution.standardInputWriter.write(input)
                    } catch {
                        // It has ended before it had read all: only its output counts.
                    }
                }
                return Outcome(
                    status: result.terminationStatus, output: result.standardOutput, errors: result.standardError)
            }
            group.addTask {
                try await Task.sleep(for: Self.deadline)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// Starts it, does `body` meanwhile, and stops it in order.
    ///
    /// - Returns: How it ended.
    func whileRunning(_ arguments: [String], _ body: @Sendable () async throws -> Void) async throws -> Outcome {
        let result = try await Subprocess.run(
            configuration(arguments.map { Array($0.utf8) }), input: .none, output: .bytes(limit: 1 << 26),
            error: .string(limit: 1 << 22)
        ) { execution in
            try await body()
            try execution.send(signal: .terminate)
        }
        return Outcome(status: result.terminationStatus, output: result.standardOutput, errors: result.standardError)
    }

    private func configuration(_ arguments: [[UInt8]]) -> Configuration {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(2))]
        return Configuration(
            executable: .path(FilePath(Self.stint)), arguments: Arguments(arguments.map { $0 + [0] }),  // as C has them
            environment: .inherit.updating(["STINT_DB": nil, "SWIFT_BACKTRACE": "enable=no"]),
            workingDirectory: FilePath(folder), platformOptions: options)
    }
}

extension Child.Outcome {
    /// What is wrong with the way in which a command ended.
    ///
    /// - Parameter isRaw: Whether it printed a payload, or JSON, which need not be fit for a terminal.
    func problems(isRaw: Bool) -> [String] {
        guard case .exited(let code) = status else { return ["it ended with \(status): \(errors.suffix(500))"] }
        guard [0, 1, 64, 65, 69, 75].contains(code) else { return ["exit code \(code)"] }
        var problems: [String] = []
        if code != 0 && output.isEmpty && !(errors.hasPrefix("stint: ") && errors.hasSuffix("\n")) {
            problems.append("exit code \(code) without a word: \(errors.debugDescription)")
        }
        // A worker that goes on writes one log line for each trouble.
        if code != 0 && errors.split(separator: "\n").count(where: { $0.hasPrefix("stint: ") }) > 1 {
            problems.append("more than one sentence: \(errors.debugDescription)")
        }
        for (name, text) in [("error", errors)] + (isRaw ? [] : [("output", String(decoding: output, as: UTF8.self))])
        where text.unicodeScalars.contains(where: {
            $0 != "\n" && $0 != "\t" && $0.properties.generalCategory == .control
        }) {
            problems.append("standard \(name) has a control character: \(text.debugDescription.prefix(600))")
        }
        return problems
    }
}
