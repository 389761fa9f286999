import Foundation
import StintCore
import StintPlatform
import Testing

/// A worker of a scenario; its process exists in name only.
struct Performer: Sendable {
    let registration: WorkerRegistration
    let place: RegisteredWorker

    var id: WorkerID { place.id }
}

extension Stage {
    /// It names itself as Stint's own workers do, but it exists in name only.
    func process(_ id: Int32) -> WorkerProcess {
        WorkerProcess(
            ProcessIdentity(
                host: "host", boot: clock.now().boot, namespaces: ProcessIdentity.current.namespaces, processID: id,
                startTime: Int64(id) * 10))
    }

    func hire(
        _ name: String? = nil, process id: Int32 = 1, under supervisor: WorkerProcess? = nil, sign: String? = nil,
        queues: [QueueName] = ["q"], concurrency: Int = 4, writesThroughSupervisor: Bool = false
    ) async throws -> Performer {
        let process = process(id)
        let registration = WorkerRegistration(
            name: name ?? process.name, process: process, supervisor: supervisor, supervisorSign: sign, queues: queues,
            concurrency: concurrency, writesThroughSupervisor: writesThroughSupervisor)
        return Performer(
            registration: registration, place: try await store.register(registration, as: nil))
    }

    func renew(_ performer: Performer) async throws {
        let again = try await store.register(performer.registration, as: performer.id)
        #expect(again.id == performer.id)
    }

    func claim(
        _ limit: Int, from queues: [QueueName] = ["q"], by performer: Performer, lease: Duration = .seconds(30)
    ) async throws -> [LeasedJob] {
        let request = ClaimRequest(
            queues: queues, limit: limit, lease: lease, worker: performer.registration.name, registration: performer.id)
        return try await store.claim(request)
    }

    func exchange(
        _ limit: Int, from queues: [QueueName] = ["q"], by performer: Performer? = nil, budget: ByteBudget = .standard,
        passesOverSuspects: Bool = false
    ) async throws -> Exchange {
        let request = ClaimRequest(
            queues: queues, limit: limit, lease: .seconds(30), worker: performer?.registration.name ?? "test:1",
            registration: performer?.id, budget: budget, passesOverSuspects: passesOverSuspects)
        return try await store.exchange([], for: request)
    }

    func start(_ job: LeasedJob, by performer: Performer) {
        performer.place.scoreboard.note(ended: nil, started: job.lease)
    }

    func end(_ job: LeasedJob, by performer: Performer) {
        performer.place.scoreboard.note(ended: job.lease, started: nil)
    }

    func reclaim(from performers: Performer..., end: WorkerEnd = .died("died", nil)) async throws -> ReapReport {
        try await store.reclaim(from: performers.map(\.id), end)
    }

    func reclaim(from performer: Performer, _ end: WorkerEnd) async throws -> ReapReport {
        try await reclaim(from: performer, end: end)
    }

    func enqueue(_ count: Int, options: JobOptions = JobOptions()) async throws -> [JobID] {
        let jobs = try (0..<count).map { _ in try NewJob([], in: "q", options: options) }
        return try await store.enqueue(jobs).map(\.id)
    }

    /// Jobs that died with others, in the order of their ids.
    func suspects(_ count: Int) async throws -> (ids: [JobID], of: Performer) {
        let ids = try await enqueue(count)
        let performer = try await hire(process: 999)
        for job in try await claim(count, by: performer) { start(job, by: performer) }
        _ = try await reclaim(from: performer)
        try await expectSuspects(ids)
        return (ids, performer)
    }

    // MARK: - What happened to jobs

    private func records(_ ids: [JobID]) async throws -> [JobDetails] {
        var records: [JobDetails] = []
        for id in ids { records.append(try #require(try await store.job(id))) }
        return records
    }

    func expectFree(_ ids: [JobID], _ location: SourceLocation = #_sourceLocation) async throws {
        for job in try await records(ids) {
            #expect(job.record.state == .ready && !job.record.suspect, "\(job.record)", sourceLocation: location)
            #expect(job.record.attempts == 0 && job.record.crashes == 0, "\(job.record)", sourceLocation: location)
            #expect(job.failures.isEmpty, sourceLocation: location)
        }
    }

    func expectSuspects(_ ids: [JobID], _ location: SourceLocation = #_sourceLocation) async throws {
        for job in try await records(ids) {
            #expect(job.record.state == .ready && job.record.suspect, "\(job.record)", sourceLocation: location)
            #expect(job.record.attempts == 0 && job.record.crashes == 0, "\(job.record)", sourceLocation: location)
            #expect(job.failures.isEmpty, sourceLocation: location)
        }
    }

    /// Their worker ended, and it cannot be proved that they are the cause: it costs nothing, and is kept in their
    /// history.
    func expectLost(
        _ ids: [JobID], _ kinds: JobFailure.Kind..., suspect: Bool, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        for job in try await records(ids) {
            #expect([.ready, .delayed].contains(job.record.state), "\(job.record)", sourceLocation: location)
            #expect(job.record.suspect == suspect, "\(job.record)", sourceLocation: location)
            #expect(job.record.attempts == 0 && job.record.crashes == 0, "\(job.record)", sourceLocation: location)
            #expect(job.failures.map(\.kind) == kinds, sourceLocation: location)
        }
    }

    /// Once, and with attempts left.
    func expectBlamed(_ ids: [JobID], _ location: SourceLocation = #_sourceLocation) async throws {
        for job in try await records(ids) {
            #expect(job.record.state == .ready && !job.record.suspect, "\(job.record)", sourceLocation: location)
            #expect(job.record.attempts == 1 && job.record.crashes == 1, "\(job.record)", sourceLocation: location)
            #expect(job.failures.count == 1, sourceLocation: location)
        }
    }
}
