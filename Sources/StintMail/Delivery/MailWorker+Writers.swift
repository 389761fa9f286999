import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension MailWorker {
    /// Writes the mails of this kind of job when they are delivered, from the data as they are then. So what was
    /// deleted, hidden or switched off while the job waited is not sent, also if a dead mail server has held the queue
    /// back for hours.
    ///
    ///     worker.registerMail(Reminder.self) { reminder, context in
    ///         guard let member = try await members.member(reminder.member) else { return nil }
    ///         return try await reminder.message(to: member)
    ///     }
    ///
    /// Only one can be registered for a name: a second one is a programmer's error and ends the program.
    ///
    /// - Parameter write: Called for each attempt. `nil`: there is nothing to send, and the job is done. What it throws
    ///   is the job's failure, or a ``JobVerdict``. A message that cannot be sent as it is buries the job.
    public mutating func registerMail<Parameters: JobParameters>(
        _ type: Parameters.Type = Parameters.self,
        write: @escaping @Sendable (Parameters, JobContext) async throws -> MailMessage?
    ) {
        registerMail(named: Parameters.jobName) { context in
            guard context.job.events == nil else {
                throw JobVerdict.bury(
                    "it is a digest and '\(Parameters.jobName)' is registered for single jobs: use registerMailDigest, "
                        + "then kick it")
            }
            return try await write(try Self.decode(context.job.payload, "its parameters do"), context)
        }
    }

    /// The same for a digest: one mail for all events that it has collected.
    ///
    /// - Parameter write: Gets the events, oldest first.
    public mutating func registerMailDigest<Event: JobParameters>(
        _ type: Event.Type = Event.self,
        write: @escaping @Sendable ([Event], JobContext) async throws -> MailMessage?
    ) {
        registerMail(named: Event.jobName) { context in
            let payloads = context.job.events ?? [context.job.payload]
            let events: [Event] = try payloads.enumerated().map { index, payload in
                try Self.decode(payload, "event \(index + 1) of \(payloads.count) does")
            }
            return try await write(events, context)
        }
    }

    /// The same for jobs of a name, whose payloads the writer reads itself.
    public mutating func registerMail(named name: String, write: @escaping MailDelivery.Writer) {
        precondition(
            !writers.contains { $0.name == name },
            "a writer of mails for jobs named '\(name)' is registered already: register each name once")
        writers.append((name, write))
    }

    private static func decode<Parameters: JobParameters>(_ payload: [UInt8], _ what: String) throws -> Parameters {
        do {
            return try JSONDecoder().decode(Parameters.self, from: Data(payload))
        } catch {
            throw JobVerdict.bury("\(what) not decode as '\(Parameters.jobName)': \(error)")
        }
    }
}
