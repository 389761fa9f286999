import Stint
import StintCore

/// What a claim and its acks cost with few groups and with many, one process.
struct FlowFlat {
    let files: FlowFiles
    let fleet: Fleet
    let batch: Int

    static let groups = [10, 1_000, 100_000]
    private let warmUp = 8

    /// Far from the end of the backlog, and of the first groups.
    private var batches: Int { min(150, files.jobs / batch / 2 - warmUp) }

    /// Once as a worker claims that runs one job at a time, and once as one that starts all of them at once.
    func measure(rounds: Int) async throws -> [FlowFlatSeries] {
        try await measure(rounds: rounds, idleSlots: 1) + measure(rounds: rounds, idleSlots: nil)
    }

    private func measure(rounds: Int, idleSlots: Int?) async throws -> [FlowFlatSeries] {
        var turns: [Int: [FlatTurn]] = [:]
        for round in 0..<rounds {
            for groups in round % 2 == 0 ? Self.groups : Self.groups.reversed() {
                turns[groups, default: []].append(try await turn(groups, idleSlots))
            }
        }
        return Self.groups.map {
            FlowFlatSeries($0, idleSlots, turns: turns[$0] ?? [], base: turns[Self.groups[0]] ?? [])
        }
    }

    private func turn(_ groups: Int, _ idleSlots: Int?) async throws -> FlatTurn {
        let side = FlowSide(name: "flat-\(groups)", title: count(groups, "group"), groups: groups)
        let assignment = Assignment(
            design: .stintExchange, database: try await files.file(side).path, durability: .full, batch: batch,
            idleSlots: idleSlots, seconds: 60, jobLimit: batches * batch, warmUp: warmUp, keepsIDs: false)
        let report = try await fleet.run([assignment])[0]
        guard report.done == batches * batch else {
            throw BenchError("a turn with \(side.title) did \(report.done) jobs of \(batches * batch)")
        }
        return FlatTurn(
            microsecondsPerJob: Double(report.finished) / 1_000 / Double(report.done),
            cpuMicrosecondsPerJob: Double(report.cpuMicroseconds) / Double(report.done))
    }
}

struct FlowFlatSeries: Encodable, Sendable {
    let groups: Int
    let title: String
    let turns: [FlatTurn]
    let ratio: Double
    let cpuRatio: Double

    init(_ groups: Int, _ idleSlots: Int?, turns: [FlatTurn], base: [FlatTurn]) {
        self.groups = groups
        title = count(groups, "group") + (idleSlots == nil ? ", all start at once" : "")
        self.turns = turns
        ratio = zip(turns, base).map { $0.microsecondsPerJob / $1.microsecondsPerJob }.median
        cpuRatio = zip(turns, base).map { $0.cpuMicrosecondsPerJob / $1.cpuMicrosecondsPerJob }.median
    }

    static func grid(_ series: [FlowFlatSeries]) -> Grid {
        var grid = Grid(
            "Claim and ack, FULL, one process, µs a job", "time", "to \(series[0].groups) groups", "CPU",
            "to \(series[0].groups) groups")
        for row in series {
            grid.add(
                row.title, row.turns.map(\.microsecondsPerJob).median.text(1),
                "\(row.ratio.text(2)) x", row.turns.map(\.cpuMicrosecondsPerJob).median.text(1),
                "\(row.cpuRatio.text(2)) x")
        }
        return grid
    }

    var expectation: Expectation? {
        groups == FlowFlat.groups[0]
            ? nil
            : Expectation(
                "claim and ack, \(title): cost to \(FlowFlat.groups[0])", .atMost, 1.3, reached: ratio)
    }
}
