import ArgumentParser

/// What is measured of wake-ups, in either store.
struct WakeOptions: ParsableArguments {
    @Option(help: "How many single enqueues, with pauses of 20 to 60 ms before each.")
    var jobs = 500

    @Option(help: "How many jobs of each other kind: delayed, kicked, resumed, inserted by SQL.")
    var others = 100

    @Option(help: "What the pauses are drawn from; a new one by default.")
    var seed: UInt64?

    func validate() throws {
        guard jobs >= 1, others >= 0 else {
            throw ValidationError("--jobs must be above 0 and --others not below it.")
        }
    }

    /// One database and one worker for all: the kinds are measured one after the other, so that each finds it idle.
    func measure(
        _ kinds: [WakeKind], _ database: String, _ queue: BenchQueue, seed: UInt64
    ) async throws -> [WakeSeries] {
        var series: [WakeSeries] = []
        for kind in kinds {
            let times = kind == .enqueue ? jobs : others
            if times > 0 {
                say("wake, \(kind.title)")
                series.append(try await WakeSeries(measuring: kind, times, database, queue, seed: seed))
            }
        }
        return series
    }
}
