import ArgumentParser

/// What groups and limits cost, and whether they do what they promise.
struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow",
        abstract: "Groups, fairness and limits: their cost against a queue without them, and their promises.")

    @Option(help: "How many jobs wait at the start of a turn.")
    var jobs = 100_000

    @Option(help: "In how many groups they are.")
    var groups = 1_000

    @Option(help: "How many jobs of a group were enqueued one after the other.")
    var together = 10

    @Option(help: "How many processes claim and acknowledge them.")
    var workers = 4

    @Option(help: "How many jobs a transaction has.")
    var batch = 64

    @Option(help: "How often the sides take turns; the median of the rounds' ratios counts.")
    var rounds = 7

    @Option(help: "How often the numbers of groups take turns.")
    var flatRounds = 9

    @Option(help: "How many starts a second the rate allows.")
    var rate = 1_000

    @Option(help: "How many seconds the rate is looked at.")
    var seconds = 10

    @Option(help: "How many places are freed for a worker that waits behind a limit.")
    var freed = 200

    @Option(help: "Only this part: \(FlowPart.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated.")
    var part: [FlowPart] = []

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, groups >= 1, together >= 1, workers >= 1, rounds >= 1, flatRounds >= 1 else {
            throw ValidationError("The numbers of jobs, groups, workers and rounds must be above 0.")
        }
        guard rate >= 1, seconds >= 1, freed >= 1 else {
            throw ValidationError("--rate, --seconds and --freed must be above 0.")
        }
        guard (1...1_000).contains(batch) else { throw ValidationError("A batch has between 1 and 1000 jobs.") }
    }

    func run() async throws {
        try await common.report("flow") { folder in
            let files = FlowFiles(backlog: Backlog(folder: folder.url), jobs: jobs, together: together)
            let fleet = try Fleet()
            var findings = FlowFindings()
            for part in part.isEmpty ? FlowPart.allCases : part {
                say("flow, \(part.rawValue)")
                switch part {
                case .cost:
                    findings.cost = try await FlowCost(
                        sides: FlowSide.all(groups: groups), files: files, fleet: fleet, workers: workers, batch: batch
                    ).measure(rounds: rounds)
                case .supervised:
                    findings.supervised = try await FlowSupervised(
                        sides: FlowSupervised.sides(groups: groups), files: files, folder: folder, fleet: fleet,
                        workers: workers, batch: batch
                    ).measure(rounds: rounds)
                case .flat:
                    findings.flat = try await FlowFlat(files: files, fleet: fleet, batch: batch)
                        .measure(rounds: flatRounds)
                case .rate:
                    findings.rate = try await FlowRate(rate: rate, seconds: seconds)
                        .measure(folder.path("rate.db"), fleet)
                case .tenant:
                    for isFair in [true, false] {
                        findings.tenants.append(
                            try await FlowTenant(jobs: jobs, workers: workers, batch: batch, isFair: isFair)
                                .measure(folder.path("tenant-\(isFair).db"), fleet))
                    }
                case .freed:
                    findings.freed = try await FlowFreed(times: freed).measure(folder.path("freed.db"), fleet)
                }
            }
            return findings
        }
    }
}

enum FlowPart: String, Codable, CaseIterable, ExpressibleByArgument {
    case cost, supervised, flat, rate, tenant, freed
}

struct FlowFindings: Findings {
    var cost: [FlowCostSeries] = []
    var supervised: [FlowSupervisedSeries] = []
    var flat: [FlowFlatSeries] = []
    var rate: FlowRateResult?
    var tenants: [FlowTenantResult] = []
    var freed: FlowFreedResult?

    var grids: [Grid] {
        var grids: [Grid] = []
        if !cost.isEmpty { grids.append(FlowCostSeries.grid(cost)) }
        if !supervised.isEmpty { grids.append(FlowSupervisedSeries.grid(supervised)) }
        if !flat.isEmpty { grids.append(FlowFlatSeries.grid(flat)) }
        if let rate { grids.append(rate.grid) }
        if !tenants.isEmpty { grids.append(FlowTenantResult.grid(tenants)) }
        if let freed { grids.append(freed.grid) }
        return grids
    }

    var expectations: [Expectation] {
        cost.compactMap(\.expectation) + supervised.compactMap(\.expectation) + flat.compactMap(\.expectation)
            + (rate?.expectations ?? [])
            + tenants.compactMap(\.expectation) + (freed?.expectations ?? [])
    }
}
