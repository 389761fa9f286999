import ArgumentParser
import Foundation

/// The results of one command.
protocol Findings: Encodable, Sendable {
    var grids: [Grid] { get }
    var expectations: [Expectation] { get }
}

/// The options of all commands of the benchmark, and the work around their measuring.
struct CommonOptions: ParsableArguments {
    @Option(help: "Where to write everything as JSON.")
    var json: String?

    @Option(help: "The folder for the files, on the disk to measure. A new one in the system's by default.")
    var directory: String?

    @Flag(help: "End with an error when an expectation is not met.")
    var check = false

    /// Measures in a folder that is removed afterwards, prints the tables, and writes the JSON.
    func report<Result: Findings>(_ command: String, _ measure: (WorkFolder) async throws -> Result) async throws {
        let folder = try WorkFolder(in: directory)
        defer { folder.remove() }
        let machine = try Machine(folder: folder.url)
        let results = try await measure(folder)
        let report = CommandReport(
            command: command, date: Date(), machine: machine, results: results, expectations: results.expectations)
        let parts = [machine.text] + results.grids.map(\.text) + [results.expectations.text]
        print(parts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
        if let json { try JSONFile.write(report, to: json) }
        try end(results.expectations)
    }

    /// - Throws: If `--check` asks for it and an expectation was not met.
    func end(_ expectations: [Expectation]) throws {
        if check, !expectations.allSatisfy(\.isMet) { throw ExitCode.failure }
    }
}

private struct CommandReport<Result: Findings>: Encodable {
    let command: String
    let date: Date
    let machine: Machine
    let results: Result
    let expectations: [Expectation]
}
