import History
import Logging
import ServiceLifecycle
import StintCore
import StintWorker

/// What the processes do.
extension World {
    func live(_ process: SimulatedProcess) async {
        switch process.place.kind {
        case .producer: await produce(process)
        case .house, .supervisor: await waitForCancellation()
        case .reaper: await serve(process, [Reaper(queue(of: process), every: plan.reaperInterval, logger: logger)])
        case .workers(let plans):
            await serve(process, plans.enumerated().map { worker(process, number: $0 + 1, $1) })
        }
    }

    // MARK: - Enqueueing

    private func produce(_ process: SimulatedProcess) async {
        let queue = queue(of: process)
        let start = scheduler.now
        await declareSchedules(process)
        while let first = jobsToEnqueue.first {
            let wait = first.time.nanoseconds - (scheduler.now - start)
            if wait > 0 && !isCalm { await scheduler.pause(.nanoseconds(wait)) }
            // Several in one transaction, now and then. One that was not answered is enqueued again only if it has an
            // idempotency key (the plan has its repeats): the producer cannot know the outcome, and the checker accepts both.
            let batch = Array(jobsToEnqueue.prefix(dice.one(of: [1, 1, 3])))
            jobsToEnqueue.removeFirst(batch.count)
            process.isEnqueueing = true
            do {
                let answers = try await queue.enqueue(
                    jobs: batch.map {
                        try NewJob(Array($0.reference.utf8), in: $0.queue, options: $0.options)
                    })
                for (plan, answer) in zip(batch, answers) where answer.outcome == .added {
                    jobs[plan.reference] = answer.id
                }
            } catch {
                logger.debug("\(process.name) could not enqueue: \(error)")
            }
            process.isEnqueueing = false
        }
        await waitForCancellation()
    }

    private func waitForCancellation() async {
        let (nothing, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in nothing {}
        continuation.finish()
    }

    // MARK: - Working

    private func serve(_ process: SimulatedProcess, _ services: [any Service]) async {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map {
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
                }, logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }))
        process.shutDown = { Task { await group.triggerGracefulShutdown() } }
        // The order came before it had learnt to listen.
        if process.hasOrderToStop { process.shutDown() }
        do {
            try await group.run()
        } catch let error as ServiceGroupError where error.errorCode == .serviceFinishedUnexpectedly {
            // Services are shut down one after the other; one that recycles itself out of turn ends the others too.
            return
        } catch {
            problem("\(process.name) has ended with an error: \(error)")
        }
    }

    private func worker(_ process: SimulatedProcess, number: Int, _ plan: WorkerPlan) -> Worker {
        var options = Worker.Options()
        options.concurrency = plan.concurrency
        options.batch = plan.batch
        options.lease = plan.lease
        options.timeout = plan.timeout
        options.ackDelay = plan.ackDelay
        options.gracePeriod = plan.gracePeriod
        options.recycling.maxJobs = plan.maxJobs
        // All workers of a process have it, as when the user gives none.
        options.name = process.name
        var worker = Worker(queue(of: process), queues: plan.queues, options: options, logger: logger)
        worker.registerOthers(retry: .exponential(base: .milliseconds(50), cap: .seconds(3))) { context in
            try await self.handle(context, process)
        }
        return worker
    }

    private func handle(_ context: JobContext, _ process: SimulatedProcess) async throws {
        // A digest behaves as its first event.
        let reference = context.job.reference
        let scheduled = plan.schedules.first { $0.name == reference }?.job
        guard let plan = scheduled ?? plan.jobs.first(where: { $0.reference == reference }) else {
            return problem("\(reference) was not enqueued")
        }
        let run = runs[reference, default: 0] + 1
        runs[reference] = run
        references[context.id] = reference
        checkCompany(of: context, plan, process)
        process.handlers.append(context.lease)
        process.unsettled[context.lease] = reference
        defer { process.handlers.removeAll { $0 == context.lease } }
        try await context.recorded(in: process.log) {
            // Not each time: a job that always takes too long for some worker is never done.
            if plan.runTime > .zero && run <= 2 { try await Task.sleep(for: plan.runTime) }
            try await act(plan.behaviour, run, context, process)
        }
        // It has reported that its work is done.
        if case .acknowledgesAndThrows = plan.behaviour {
            try await context.ack()
            if run % 2 == 1 { throw Failure() }
        }
    }

    /// A suspect has the process for itself. A job that hangs was abandoned, and others do not wait for it.
    private func checkCompany(of context: JobContext, _ plan: JobPlan, _ process: SimulatedProcess) {
        if !plan.hangs { process.companions[context.lease] = context.job.runsAlone }
        let others = process.companions.filter { $0.key != context.lease && process.handlers.contains($0.key) }
        if !others.isEmpty && (context.job.runsAlone || others.values.contains(true)) {
            problem("\(plan.reference) was started in \(process.name) beside others, and one of them is a suspect")
        }
    }

    private func act(
        _ behaviour: JobPlan.Behaviour, _ run: Int, _ context: JobContext, _ process: SimulatedProcess
    ) async throws {
        switch behaviour {
        case .returns, .acknowledgesAndThrows: return
        case .fails(let times): if run <= times { throw Failure() }
        case .hopeless: throw Failure()
        case .buries: throw JobVerdict.bury("it is of no use")
        case .releases(let times): if run <= times { throw JobVerdict.release(after: .milliseconds(300)) }
        case .retries(let times):
            if run <= times { throw JobVerdict.retry(after: .milliseconds(700), reason: "not yet") }
        case .hangs(let duration, let times): if run <= times { await scheduler.pause(duration) }
        case .kills: await die(context, process)
        case .killsAtFirst(let times):
            if deaths[context.job.reference, default: 0] < times {
                await die(context, process)
            }
        case .extends:
            try await context.extend(by: .seconds(3))
            if run <= 2 { try await Task.sleep(for: .seconds(2)) }
        }
    }

    private func die(_ context: JobContext, _ process: SimulatedProcess) async {
        deaths[context.job.reference, default: 0] += 1
        if process.isDeathProvable {
            provableDeaths[context.job.reference, default: 0] += 1
        }
        kill(process, by: context.lease)
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }

    private struct Failure: Error {}
}
