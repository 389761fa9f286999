/// Runs every design at every number of workers and job time.
struct Matrix {
    let settings: Settings
    let backlog: Backlog
    let fleet: Fleet

    func run(_ progress: (String) -> Void) async throws -> [Series] {
        var series: [Series] = []
        for jobTime in settings.jobMilliseconds {
            for workers in settings.workers {
                progress("\(jobTime) ms a job, \(workers) workers")
                var rounds: [Design: [Measurement]] = [:]
                // The designs take turns, so that a disk or a machine that gets slower is slower for all of them.
                for _ in 0..<settings.rounds {
                    for design in settings.designs {
                        let measurement = try await run(design, workers: workers, jobMilliseconds: jobTime)
                        rounds[design, default: []].append(measurement)
                    }
                }
                series += settings.designs.map { design in
                    Series(design: design, workers: workers, jobMilliseconds: jobTime, rounds: rounds[design] ?? [])
                }
            }
        }
        return series
    }

    private func run(_ design: Design, workers: Int, jobMilliseconds: Double) async throws -> Measurement {
        let assignment = Assignment(
            design: design, durability: settings.durability,
            jobMicroseconds: Int(jobMilliseconds * 1_000),
            batch: design == .stint ? settings.batch(jobMilliseconds: jobMilliseconds) : 1, burst: settings.burst,
            seconds: settings.seconds)
        let active = design == .oneWorker ? 1 : workers
        return try await fleet.measure(assignment, workers: active, jobs: settings.jobs, on: backlog)
    }
}

extension Fleet {
    /// One run on a file of its own, checked.
    ///
    /// - Parameter producers: Processes beside the workers that enqueue batches of the same size.
    func measure(
        _ assignment: Assignment, workers: Int, producers: Int = 0, jobs: Int, on backlog: Backlog
    ) async throws -> Measurement {
        var assignment = assignment
        assignment.database = try await backlog.file(assignment.design, jobs: jobs)
        var producer = assignment
        producer.design = .stintProducer
        let reports = try await run(
            Array(repeating: assignment, count: workers) + Array(repeating: producer, count: producers))
        try Verification(assignment: assignment, jobs: jobs, reports: reports).check()
        return Measurement(assignment, workers: workers, backlog: jobs, reports: reports)
    }
}
