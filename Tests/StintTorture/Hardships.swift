import ArgumentParser
import Torture

/// What happens to the processes of a run.
struct Hardships: ParsableArguments {
    @Option(help: "How many processes to kill.") var kills: Int?
    @Option(help: "How many processes to stop for longer than their lease.") var stops: Int?
    @Option(help: "How often a process holds the write lock for longer than a lease.") var locks: Int?
    @Option(help: "How often all processes are stopped for longer than a lease.") var freezes: Int?
    @Option(help: "How often a whole tree of processes gets SIGTERM.") var orders: Int?
    @Option(help: "How often the database is replaced by a copy of itself while it is in use.") var replacements: Int?
    @Option(help: "How often the command of `stint work` is missing for a second.") var moves: Int?
    @Option(
        name: .customLong("boot-ids"),
        help: "How many more workers, supervisors and reapers have a boot id of their own, or hide it.")
    var bootIDs: Int?
    @Option(help: "How many supervisors are in containers, which are killed with all in them.") var containers: Int?
    @Option(help: "How many more workers have few files to open, and none now and then.") var descriptors: Int?

    /// - Parameter usual: What is there where nothing was said.
    func apply(to run: inout ChaosRun, usual: [WritableKeyPath<ChaosRun, Int>: Int]) {
        for (field, count) in fields { run[keyPath: field] = count ?? usual[field] ?? 0 }
    }

    private var fields: [(WritableKeyPath<ChaosRun, Int>, Int?)] {
        [
            (\.kills, kills), (\.stops, stops), (\.locks, locks), (\.freezes, freezes), (\.orders, orders),
            (\.replacements, replacements), (\.moves, moves), (\.bootIDs, bootIDs), (\.containers, containers),
            (\.descriptors, descriptors),
        ]
    }
}

extension ChaosRun {
    /// To repeat a run.
    var options: String {
        "--kills \(kills) --stops \(stops) --locks \(locks) --freezes \(freezes) --orders \(orders) "
            + "--replacements \(replacements) --moves \(moves) --boot-ids \(bootIDs) --containers \(containers) "
            + "--descriptors \(descriptors)"
    }
}

extension ChaosRun.Report {
    /// What was done, in lines.
    func tell() {
        for line in missing { print("left out: \(line)") }
        print(summary)
        let killed = kills.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) of \($0.key)" }
        if !killed.isEmpty { print("killed: \(killed.joined(separator: ", "))") }
        let others = actions.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        if !others.isEmpty { print("besides: \(others.joined(separator: ", "))") }
    }
}
