import StintCore
import Testing

/// What a store does after ``JobStore/close()``.
package enum ClosedStore {
    /// Closes the store, twice, and expects every call to be refused and every wake-up to end.
    package static func expectRefusals(of store: any JobStore) async throws {
        let id = try await store.enqueue([NewJob([1], in: "q")])[0].id
        let worker = WorkerRegistration(name: "w", process: .current, queues: ["q"], concurrency: 1)
        let place = try await store.register(worker, as: nil)
        try await store.deregister(place.id)
        let earlier = store.wakeUps(in: ["q"])

        await store.close()
        await store.close()

        let claim = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(30), worker: "w")
        let lease = Lease(job: id, token: FencingToken(rawValue: 1))
        let calls: [(String, () async throws -> Void)] = [
            ("enqueue", { _ = try await store.enqueue([NewJob([1], in: "q")]) }),
            ("exchange", { _ = try await store.exchange([], for: claim) }),
            ("extend", { _ = try await store.extend([lease], by: .seconds(1)) }),
            ("kick", { try await store.kick([id]) }),
            ("bury", { try await store.bury([id], reason: "r") }),
            ("delete", { try await store.delete([id]) }),
            ("runNow", { try await store.runNow([id]) }),
            ("select", { _ = try await store.select(JobSelection("q"), from: nil, limit: 1) }),
            ("order", { try await store.order(.quiet, to: place.id) }),
            ("order of", { _ = try await store.order(of: place.id) }),
            ("change", { _ = try await store.change(JobSelection("q"), .delete, from: nil, limit: 1) }),
            ("reap", { _ = try await store.reap() }),
            ("configure", { try await store.configure("q", QueueSettings(paused: true)) }),
            ("stats", { _ = try await store.stats() }),
            ("page", { _ = try await store.page(JobFilter(), after: nil) }),
            ("count", { _ = try await store.count(JobQuery(), after: nil) }),
            ("errorGroups", { _ = try await store.errorGroups(ErrorGroupFilter(.buried), after: nil) }),
            ("job", { _ = try await store.job(id) }),
            ("exportJobs", { _ = try await store.exportJobs(of: nil, after: nil, limit: 1) }),
            ("importJobs", { _ = try await store.importJobs([]) }),
            ("nextReady", { _ = try await store.nextReady(in: ["q"]) }),
            ("isClaimable", { _ = try await store.isClaimable(id) }),
            ("checkStillThere", { try store.checkStillThere() }),
            ("register", { _ = try await store.register(worker, as: nil) }),
            ("deregister", { try await store.deregister(place.id) }),
            ("leases", { _ = try await store.leases(heldBy: place.id) }),
            ("workers", { _ = try await store.workers() }),
            ("reclaim", { _ = try await store.reclaim(from: [place.id], .stopped) }),
            ("reclaimDead", { _ = try await store.reclaimDead() }),
            ("registerSupervisor", { _ = try await store.registerSupervisor() }),
            ("requestRestart", { try await store.requestRestart() }),
            ("latestRestartRequest", { _ = try await store.latestRestartRequest() }),
            ("failures", { _ = try await store.failures(limit: 1) }),
            ("deaths", { _ = try await store.deaths(limit: 1) }),
            ("activity", { _ = try await store.activity(of: nil, last: .seconds(60)) }),
            (
                "setSchedule",
                {
                    _ = try await store.setSchedule(
                        Schedule("s", .every(.seconds(1)), job: NewJob([1], in: "q")))
                }
            ),
            ("schedules", { _ = try await store.schedules() }),
            ("schedule", { _ = try await store.schedule("s") }),
            ("changeSchedule", { try await store.changeSchedule("s", .pause) }),
            ("runSchedule", { _ = try await store.runSchedule("s") }),
            ("tick", { _ = try await store.tick() }),
            ("change", { try await store.change([id], .kick, by: nil) }),
            ("begin", { _ = try await store.begin(NewOperation(.kick, JobSelection("q"), filter: "x")) }),
            ("beginRestore", { _ = try await store.beginRestore(of: OperationID(rawValue: 1), by: nil) }),
            ("step", { _ = try await store.step(by: OperationDriver()) }),
            ("control", { _ = try await store.control(OperationID(rawValue: 1), .pause) }),
            ("operation", { _ = try await store.operation(OperationID(rawValue: 1)) }),
            (
                "setWebhook",
                {
                    _ = try await store.setWebhook(
                        Webhook("w", url: "https://example.com", events: ["buried"]), keepsSecret: true)
                }
            ),
            ("webhooks", { _ = try await store.webhooks() }),
            ("webhook", { _ = try await store.webhook("w") }),
            ("deleteWebhook", { try await store.deleteWebhook("w") }),
            ("testWebhook", { _ = try await store.testWebhook("w") }),
            ("notifyWebhooks", { _ = try await store.notifyWebhooks() }),
            (
                "noteDelivery",
                {
                    try await store.noteDelivery(
                        WebhookDelivery(job: id, atMilliseconds: 0, status: nil, error: nil), of: "w")
                }
            ),
            ("operations", { _ = try await store.operations(limit: 1, before: nil) }),
        ]
        for (name, call) in calls {
            do {
                try await call()
                Issue.record("\(name) did not throw")
            } catch {
                #expect((error as? StintError)?.code == .closed, "\(name): \(error)")
                #expect("\(error)".contains("was closed by this program"), "\(name)")
            }
        }
        for await _ in earlier {}
        for await _ in store.scheduleChanges() { Issue.record("a closed store has sent a change of a schedule") }
        for await _ in store.changes() { Issue.record("a closed store has sent a change") }
        for await _ in store.wakeUps(in: ["q"]) { Issue.record("a closed store has sent a wake-up") }
    }
}
