import Foundation
import StintCore
import StintWorker

extension Notifications {
    /// A page of subscribers becomes jobs, with the job of the next page, in the transaction that ends this one's.
    func fanOut(_ event: NotificationEvent, after: String?, page: Int, _ context: JobContext) async throws {
        guard page >= 1 else { throw JobVerdict.bury("the page \(page) of a fan-out is none: the first is 1") }
        guard page <= options.maximumPages else {
            throw JobVerdict.bury(
                "the event has more than \(options.maximumPages) pages of \(options.pageSize) subscribers: raise "
                    + "maximumPages, or look whether the source goes round in a circle")
        }
        let subscribers = try await source.subscribers(of: event, after: after, limit: options.pageSize)
            .prefix(options.pageSize)
        guard let last = subscribers.last else { return }
        guard last.id != after else {
            throw JobVerdict.bury(
                "the source gave the page after \(quoted(last.id)) again: its query must go on after that member")
        }
        let now = now()
        let writer = try MemberEventWriter(event)
        var jobs: [NewJob] = []
        jobs.reserveCapacity(subscribers.count + 1)
        for subscriber in subscribers {
            do throws(NotForThisMember) {
                guard let job = try job(subscriber, writer, now: now) else { continue }
                jobs.append(job)
            } catch {
                skip(
                    SkippedNotification(
                        member: subscriber.id, event: event, cause: error.cause, reason: error.reason), context.logger)
            }
        }
        let next = FanOutPage(event: event, after: last.id, page: page + 1)
        var nextOptions = JobOptions(
            priority: context.job.priority, maxAttempts: context.maxAttempts, timeToRun: context.job.timeToRun)
        nextOptions.group = try await context.store.job(context.id)?.record.group
        jobs.append(try NewJob(next, in: context.queue, options: nextOptions))
        try await context.ack(enqueueing: jobs)
    }

    struct NotForThisMember: Error {
        var cause: SkippedNotification.Cause
        var reason: String
    }

    /// The job of an event for a subscriber; `nil` if they want none.
    private func job(
        _ subscriber: NotificationSubscriber, _ writer: MemberEventWriter, now: Date
    ) throws(NotForThisMember) -> NewJob? {
        guard subscriber.timing != .nothing else { return nil }
        guard (1...NotificationSubscriber.maximumIDBytes).contains(subscriber.id.utf8.count),
            !subscriber.id.utf8.contains(0)
        else {
            throw NotForThisMember(
                cause: .invalid,
                reason: "the member's id has 1 to \(NotificationSubscriber.maximumIDBytes) bytes, no NUL")
        }
        return try job(
            writer.payload(subscriber.id), member: subscriber.id, domain: subscriber.domain, subscriber.timing,
            quiet: subscriber.quiet, zone: subscriber.timeZone, now: now)
    }

    /// The job of an event for a member.
    func job(
        _ payload: [UInt8], member: String, domain: String, _ timing: NotificationTiming, quiet: QuietHours?,
        zone: String, now: Date
    ) throws(NotForThisMember) -> NewJob {
        guard (1...NewJob.maximumGroupBytes).contains(domain.utf8.count), !domain.utf8.contains(0) else {
            throw NotForThisMember(cause: .invalid, reason: "the domain of the member's address is none")
        }
        var options = JobOptions(priority: self.options.priority, group: domain)
        let name: String
        let start: Date?
        if let period = timing.period {
            name = MemberEvent.digestName
            options.uniqueKey = "digest \(period) \(member)"
            options.onConflict = .collect
            options.maxEvents = self.options.maximumEvents
            start = hours.nextDigest(after: now, timing, zone: zone)
        } else {
            name = MemberEvent.singleName
            options.expires = self.options.expires
            start = hours.endOfQuiet(at: now, quiet, zone: zone)
        }
        if let start {
            options.delay = .milliseconds(max(0, Int64((start.timeIntervalSince(now) * 1_000).rounded(.up))))
        }
        do {
            try options.headers.set(Headers.jobName, to: name)
            if let period = timing.period { try options.headers.set(Self.periodHeader, to: period) }
            let queue = timing.isDigest ? self.options.digestQueue ?? self.options.queue : self.options.queue
            return try NewJob(payload, in: queue, contentType: ContentType.json, options: options)
        } catch {
            throw NotForThisMember(cause: .invalid, reason: "\(error)")
        }
    }
}
