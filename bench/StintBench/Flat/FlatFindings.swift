import Stint
import StintCore
import TestSupport

/// The cost of a job in one turn.
struct FlatTurn: Encodable {
    let microsecondsPerJob: Double
    let cpuMicrosecondsPerJob: Double
}

/// One file at one durability.
struct FlatSeries: Encodable {
    let kind: FlatKind
    let title: String
    let durability: SyncMode
    let turns: [FlatTurn]
    /// The cost of a job relative to the small file: the median of the rounds' own ratios.
    let ratio: Double
    let cpuRatio: Double

    init(_ kind: FlatKind, _ title: String, _ durability: SyncMode, turns: [FlatTurn], base: [FlatTurn]) {
        self.kind = kind
        self.title = title
        self.durability = durability
        self.turns = turns
        ratio = zip(turns, base).map { $0.microsecondsPerJob / $1.microsecondsPerJob }.median
        cpuRatio = zip(turns, base).map { $0.cpuMicrosecondsPerJob / $1.cpuMicrosecondsPerJob }.median
    }
}

/// How long `stats` takes in one file.
struct FlatStats: Encodable {
    let kind: FlatKind
    let title: String
    let fileBytes: Int64
    let millisecondsFirst: Double
    let millisecondsP50: Double
    let millisecondsP99: Double

    init(_ kind: FlatKind, _ title: String, _ path: String) async throws {
        self.kind = kind
        self.title = title
        fileBytes = SizeSampler.size(path)
        let queue = try await JobQueue(.sqlite(path))
        var times: [Double] = []
        for _ in 0..<200 {
            let start = MonotonicClock.nanoseconds()
            _ = try await queue.store.stats()
            times.append(Double(MonotonicClock.nanoseconds() - start) / 1e6)
        }
        millisecondsFirst = times[0]
        times.sort()
        (millisecondsP50, millisecondsP99) = (times[99], times[197])
    }
}

struct FlatFindings: Findings {
    let sizes: FlatSizes
    let batch: Int
    let series: [FlatSeries]
    let stats: [FlatStats]

    var grids: [Grid] {
        var costs = Grid("Claim and ack, batch \(batch), µs a job", "time", "to small", "of rounds", "CPU", "to small")
        for row in series {
            let base = series.first { $0.kind == .small && $0.durability == row.durability }
            let ratios = zip(row.turns, base?.turns ?? []).map { $0.microsecondsPerJob / $1.microsecondsPerJob }
            costs.add(
                "\(row.durability.rawValue.uppercased()), \(row.title)",
                row.turns.map(\.microsecondsPerJob).median.text(1), "\(row.ratio.text(2)) x",
                "\((ratios.min() ?? 0).text(2)) - \((ratios.max() ?? 0).text(2))",
                row.turns.map(\.cpuMicrosecondsPerJob).median.text(1), "\(row.cpuRatio.text(2)) x")
        }
        var times = Grid("stats, ms", "first", "p50", "p99", "file")
        for row in stats {
            times.add(
                row.title, row.millisecondsFirst.text(2), row.millisecondsP50.text(2), row.millisecondsP99.text(2),
                mebibytes(row.fileBytes))
        }
        return [costs, times]
    }

    var expectations: [Expectation] {
        series.filter { $0.kind != .small }.map {
            Expectation(
                "claim and ack, \($0.durability.rawValue.uppercased()), \($0.title): cost to the small file", .atMost,
                1.3, reached: $0.ratio)
        }
            + stats.filter { $0.kind == .ready }.map {
                Expectation("stats, \($0.title), 99th percentile", .below, 5, reached: $0.millisecondsP99, unit: "ms")
            }
    }
}
