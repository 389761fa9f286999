import Foundation
import ServiceLifecycle
import StintCore
import StintWorker
import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Starts N processes of this program, passes on the order to stop, and waits for all of them.
struct WorkerProcesses: Service {
    let count: Int
    let arguments: [String]
    private let running = Running()

    init(count: Int, arguments: [String]) {
        self.count = count
        self.arguments = arguments
    }

    /// Some workers ended otherwise than by our order.
    struct WorkersDied: Error, CustomStringConvertible {
        let count: Int
        let deaths: [String]
        var description: String { "\(deaths.count) of \(count) workers died: \(deaths.joined(separator: "; "))" }
    }

    /// - Throws: ``WorkersDied``; the others went on until they were done or told to stop.
    func run() async throws {
        guard let program = Bundle.main.executablePath else {
            throw StintError(.storageFailed, "the path of this program cannot be found, so it cannot start workers")
        }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 1...count { group.addTask { await outcome(of: number, program) } }
                var deaths: [String] = []
                for try await death in group { if let death { deaths.append(death) } }
                if !deaths.isEmpty { throw WorkersDied(count: count, deaths: deaths) }
            }
        } onCancelOrGracefulShutdown: {
            running.stop()
        }
    }

    /// A worker that cannot be started is one that died: the others go on.
    private func outcome(of number: Int, _ program: String) async -> String? {
        do {
            return try await runChild(number, program)
        } catch {
            Output.complain("worker \(number) cannot be started: \(error)")
            return "worker \(number) cannot be started"
        }
    }

    /// - Returns: How the process died, or `nil` when it ended in order.
    private func runChild(_ number: Int, _ program: String) async throws -> String? {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(60))]
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), platformOptions: options, input: .none,
            output: .currentStandardOutput,
            error: .currentStandardError
        ) { execution in
            running.started(execution.processIdentifier.value)
        }
        running.ended(result.processIdentifier.value)
        switch result.terminationStatus {
        case .exited(0): return nil
        // Our order came before it could listen, so before it could claim.
        case .signaled(SIGTERM) where running.isStopping: return nil
        case .exited(let code): return died(number, result, "exit \(code)")
        case .signaled(let signal): return died(number, result, "killed by \(signalName(signal))")
        }
    }

    private func died(
        _ number: Int, _ result: ExecutionResult<Void, FileDescriptorOutput, FileDescriptorOutput>, _ how: String
    ) -> String {
        let text = "worker \(number) (process \(result.processIdentifier.value)): \(how)"
        Output.complain("\(text); the job that it held is ready again when its lease ends")
        return text
    }

    /// The process ids to pass SIGTERM on to.
    private final class Running: Sendable {
        private let state = Mutex<(processes: Set<pid_t>, isStopping: Bool)>(([], false))

        func started(_ process: pid_t) {
            let isStopping = state.withLock { state in
                state.processes.insert(process)
                return state.isStopping
            }
            if isStopping { kill(process, SIGTERM) }
        }

        func ended(_ process: pid_t) {
            state.withLock { _ = $0.processes.remove(process) }
        }

        var isStopping: Bool { state.withLock { $0.isStopping } }

        func stop() {
            let processes = state.withLock { state in
                state.isStopping = true
                return state.processes
            }
            for process in processes { kill(process, SIGTERM) }
        }
    }
}
