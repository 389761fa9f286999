/// Runs every design at every number of workers and job time.
struct Matrix {
    let settings: Settings
    let backlog: Backlog
    let fleet: Fleet

    func run(_ progress: (String) -> Void) async throws -> [Measurement] {
        var measurements: [Measurement] = []
        for jobTime in settings.jobMilliseconds {
            var alone: Measurement?
            for workers in settings.workers {
                for design in settings.designs {
                    if design == .oneWorker, let alone {
                        measurements.append(alone.standing(for: workers))
                        continue
                    }
                    progress("\(design.title), \(workers) workers, \(jobTime) ms a job")
                    let measurement = try await run(design, workers: workers, jobMilliseconds: jobTime)
                    if design == .oneWorker { alone = measurement }
                    measurements.append(measurement)
                }
            }
        }
        return measurements
    }

    private func run(_ design: Design, workers: Int, jobMilliseconds: Double) async throws -> Measurement {
        let active = design == .oneWorker ? 1 : workers
        var assignment = Assignment(
            design: design, database: "", durability: settings.durability,
            jobMicroseconds: Int(jobMilliseconds * 1_000),
            batch: design == .stint ? settings.batch(jobMilliseconds: jobMilliseconds) : 1, burst: settings.burst,
            seconds: settings.seconds)
        let measurement = try await fleet.measure(&assignment, workers: active, jobs: settings.jobs, on: backlog)
        return measurement.standing(for: workers)
    }
}

extension Fleet {
    /// One run on a file of its own, checked.
    func measure(
        _ assignment: inout Assignment, workers: Int, jobs: Int, on backlog: Backlog
    ) async throws -> Measurement {
        assignment.database = try await backlog.file(assignment.design.schema, jobs: jobs)
        let reports = try await run(assignment, workers: workers)
        try Verification(assignment: assignment, jobs: jobs, reports: reports).check()
        try await backlog.remove(assignment.database)
        return Measurement(assignment, workers: workers, backlog: jobs, reports: reports)
    }
}
