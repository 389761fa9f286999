import ArgumentParser
import Foundation

/// Runs the matrix and the ceiling, prints the table, writes the JSON.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Runs the benchmark (the default).")

    @Option(help: "Numbers of worker processes, separated by commas.")
    var workers = NumberList([1, 4, 16])

    @Option(help: "How long a job takes, in milliseconds, separated by commas.")
    var jobTime = NumberList([0, 2])

    @Option(help: "What is compared, separated by commas: \(Design.compared.map(\.rawValue).joined(separator: ", ")).")
    var designs = DesignList(designs: Design.compared)

    @Option(help: "What a commit survives: full (a power cut) or normal (a crash of the process).")
    var durability = SyncMode.full

    @Option(help: "How many jobs wait at the start of a run.")
    var jobs = 100_000

    @Option(help: "How many of them, the first, are looked at for the time to their start.")
    var burst = 200

    @Option(help: "How often the designs take turns; the median counts.")
    var rounds = 3

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 1.0

    @Option(help: "Stint's batch for jobs that take no time.")
    var batch = 64

    @Option(help: "Stint's batch for jobs that take time.")
    var waitingBatch = 16

    @Option(help: "How often Stint and plain C take turns for the ceiling; 0: no ceiling.")
    var ceilingRounds = 5

    @Option(help: "How long each turn for the ceiling lasts, in seconds.")
    var ceilingSeconds = 1.0

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard workers.values.allSatisfy({ $0 >= 1 && $0 == $0.rounded() }) else {
            throw ValidationError("The numbers of workers must be whole and at least 1.")
        }
        guard jobTime.values.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError("A job time cannot be below 0.")
        }
        guard (1...1_000).contains(batch), (1...1_000).contains(waitingBatch) else {
            throw ValidationError("A batch has between 1 and 1000 jobs.")
        }
        guard seconds > 0, ceilingSeconds > 0, rounds >= 1, jobs >= 1, burst >= 0, ceilingRounds >= 0 else {
            throw ValidationError("Times and numbers of jobs must be above 0.")
        }
    }

    func run() async throws {
        let folder = try WorkFolder(in: common.directory)
        defer { folder.remove() }
        let backlog = Backlog(folder: folder.url)
        let fleet = try Fleet()
        let machine = try Machine(folder: folder.url)
        let series = try await Matrix(settings: settings, backlog: backlog, fleet: fleet).run(say)
        let ceilings =
            settings.ceilingRounds > 0
            ? try await CeilingComparison.run(
                CeilingCase.all(batch: batch), rounds: ceilingRounds, seconds: ceilingSeconds, backlog: backlog,
                jobs: jobs, fleet) : []
        let report = BenchReport(
            date: Date(), machine: machine, settings: settings, series: series, ceilings: ceilings,
            expectations: Expectation.all(settings, series, ceilings))
        print(Table(report: report).text)
        if let json = common.json { try JSONFile.write(report, to: json) }
        try common.end(report.expectations)
    }

    private var settings: Settings {
        Settings(
            designs: designs.designs, workers: workers.values.map(Int.init), jobMilliseconds: jobTime.values,
            durability: durability, jobs: jobs, burst: burst, rounds: rounds, seconds: seconds, batchWithoutWait: batch,
            batchWithWait: waitingBatch, ceilingRounds: ceilingRounds, ceilingSeconds: ceilingSeconds)
    }
}
