import Foundation
import StintPlatform
import Subprocess
import TestSupport
import Testing

@testable import community

@Suite("The processes of the community", .timeLimit(.minutes(3)))
struct ProcessTests {
    #if os(Linux)
        @Test("all of them end when the main process is killed")
        func killed() async throws {
            let folder = try TemporaryFolder()
            let data = folder.path + "/data"
            let programs = Bundle.main.executableURL?.deletingLastPathComponent().path ?? "."
            let result = try await Subprocess.run(
                .path(FilePath(programs + "/community")),
                arguments: ["--data", data, "--port", "0", "--jobs-port", "0", "--mail-port", "0", "--members", "20"],
                input: .none, output: .sequence, error: .discarded
            ) { execution in
                for try await line in execution.standardOutput.strings() where line.contains("Ctrl-C") { break }
                // The shell, `stint serve`, and three workers.
                try await eventually("all run", within: .seconds(90)) {
                    processes(of: data, but: execution.processIdentifier.value).count >= 5
                }
                try execution.send(signal: .kill)
            }
            #expect(result.terminationStatus == .signaled(SIGKILL))
            try await eventually("all have ended: \(processes(of: data, but: 0))") {
                processes(of: data, but: 0).isEmpty
            }
        }

        /// The ids of those that have this folder in their arguments.
        private func processes(of folder: String, but main: pid_t) -> [String] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.filter { id in
                guard let number = Int32(id), number != main,
                    let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline")
                else { return false }
                return String(decoding: line, as: UTF8.self).contains(folder)
            }
        }
    #endif

    @Test("a worker has time enough to end: its own, and the mail server's for its last answer")
    func stopTime() {
        #expect(WorkerProcess.stopTime >= WorkerProcess.options.gracePeriod + WorkerProcess.answerTime)
    }
}
