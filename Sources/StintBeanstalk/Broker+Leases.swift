import NIOCore
import StintCore

/// The server as the worker that holds the jobs of all clients.
extension Broker {
    func register() async throws {
        let worker = WorkerRegistration(
            name: "beanstalk \(WorkerProcess.current.name)", process: .current, queues: [.default], concurrency: 1)
        registration = try await store.register(worker, as: registration).id
        lastRenewal = .now()
    }

    /// Extends the leases of the jobs that clients hold, and the registration.
    func keepLeases() async {
        let held = connections.values.flatMap { $0.session.reserved.values.map(\.lease) }
        do {
            var rest = held[...]
            while !rest.isEmpty {
                let lost = try await store.extend(Array(rest.prefix(1_000)), by: Self.lease)
                rest = rest.dropFirst(1_000)
                for lease in lost { drop(lease) }
            }
            if lastRenewal + .seconds(600) < .now() { try await register() }
        } catch {
            report(.notExtended, ["error": "\(error)"])
        }
    }

    /// A person has taken the job from its client.
    private func drop(_ lease: Lease) {
        guard let holder = holders[lease.job],
            connections[holder]?.session.reserved[lease.job]?.lease == lease
        else { return }
        holders[lease.job] = nil
        _ = connections[holder]?.session.end(lease.job)
    }

    /// Gives all jobs back at no cost.
    func stop() async {
        isStopping = true
        alarm?.task.cancel()
        let leases = connections.values.flatMap { $0.session.reserved.values.map(\.lease) }
        do {
            _ = try await store.settle(leases.map { Settlement($0, .release(after: .zero)) })
            if let registration { try await store.deregister(registration) }
        } catch {
            logger.error(
                "jobs could not be given back at the end; the next reap does it", metadata: ["error": "\(error)"])
        }
    }
}
