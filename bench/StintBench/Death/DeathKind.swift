/// What is killed.
enum DeathKind: String, Codable, CaseIterable {
    case supervised, withSupervisor, container

    var title: String {
        switch self {
        case .supervised: "a worker; its supervisor lives"
        case .withSupervisor: "worker and supervisor; another stint runs"
        case .container: "a container with both; a stint runs outside"
        }
    }

    /// In milliseconds, as the README promises.
    var promised: Double { self == .supervised ? 100 : 1_000 }

    func command(_ program: String, _ file: String, queue: String, work: [String]) -> [String] {
        let container = self == .container ? ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child"] : []
        return container + [program, "work", "--db", file, "--queue", queue, "--"] + work
    }
}

/// One kind's times.
struct DeathSeries: Encodable {
    let kind: DeathKind
    let title: String
    let milliseconds: [Double]
    let skipped: String?

    init(_ kind: DeathKind, milliseconds: [Double], skipped: String? = nil) {
        self.kind = kind
        title = kind.title
        self.milliseconds = milliseconds.sorted()
        self.skipped = skipped
    }
}

struct DeathFindings: Findings {
    let series: [DeathSeries]

    var grids: [Grid] {
        var grid = Grid("What is killed, and when its job is ready again", "deaths", "first", "median", "last ms")
        for row in series {
            if let skipped = row.skipped {
                grid.add("\(row.title): skipped, \(skipped)", "", "", "", "")
            } else {
                grid.add(
                    row.title, Double(row.milliseconds.count).text(), row.milliseconds.first!.text(1),
                    row.milliseconds.median.text(1), row.milliseconds.last!.text(1))
            }
        }
        return [grid]
    }

    var expectations: [Expectation] {
        series.filter { $0.skipped == nil }.map {
            Expectation($0.title + ", the last", .atMost, $0.kind.promised, reached: $0.milliseconds.last!, unit: "ms")
        }
    }
}
