#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NewJob {
    /// Creates a job of a registered kind, with its parameters as JSON in the payload and its name in the `job-name`
    /// header.
    ///
    /// - Throws: The encoder's error, or ``StintError`` with the code `invalidInput`.
    public init<Parameters: JobParameters>(
        _ parameters: Parameters, in queue: QueueName, options: JobOptions = JobOptions()
    ) throws {
        var options = options
        try options.headers.set(Headers.jobName, to: Parameters.jobName)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try self.init(
            [UInt8](try encoder.encode(parameters)), in: queue, contentType: ContentType.json, options: options)
    }
}
