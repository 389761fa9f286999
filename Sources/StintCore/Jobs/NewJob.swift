/// A job to enqueue. A value of this type is valid: its initializer checks sizes and numbers.
public struct NewJob: Sendable {
    /// The largest payload: 16 MiB. Put larger data into a file or an object store and its name into the job.
    public static let maximumPayloadBytes = 16 * 1_024 * 1_024
    /// The longest unique key, and the longest idempotency key, in bytes.
    public static let maximumUniqueKeyBytes = 1_024
    /// The longest name of a group, in bytes.
    public static let maximumGroupBytes = 200
    /// The longest delay: 100 years. It keeps sums of times within range.
    public static let maximumDelay: Duration = .seconds(100 * 366 * 86_400)

    public let queue: QueueName
    public let payload: [UInt8]
    public let contentType: String
    public let options: JobOptions

    private static func check(key: String, _ kind: String) throws {
        guard !key.isEmpty, key.utf8.count <= maximumUniqueKeyBytes else {
            throw StintError.invalidInput(
                "the \(kind) key has \(key.utf8.count) bytes; it must have 1 to \(maximumUniqueKeyBytes)")
        }
        guard !key.unicodeScalars.contains("\0") else {
            throw StintError.invalidInput("the \(kind) key \(quoted(key)) contains a NUL; remove it")
        }
    }

    /// - Parameters:
    ///   - payload: The bytes. The handler gets them unchanged.
    ///   - contentType: `nil` means `text/plain; charset=utf-8` if the payload is valid UTF-8, and
    ///     `application/octet-stream` otherwise.
    /// - Throws: ``StintError`` with the code `invalidInput` that names the limit.
    public init(
        _ payload: [UInt8], in queue: QueueName, contentType: String? = nil, options: JobOptions = JobOptions()
    ) throws {
        guard payload.count <= Self.maximumPayloadBytes else {
            throw StintError.invalidInput(
                "the payload has \(payload.count) bytes; at most \(Self.maximumPayloadBytes) (16 MiB) are allowed: "
                    + "store it elsewhere and put its address into the job")
        }
        guard options.maxAttempts >= 1, options.maxAttempts <= Int32.max else {
            throw StintError.invalidInput(
                "maxAttempts is \(options.maxAttempts); it must be between 1 and \(Int32.max)")
        }
        guard options.maxCrashes >= 1, options.maxCrashes <= Int32.max else {
            throw StintError.invalidInput("maxCrashes is \(options.maxCrashes); it must be between 1 and \(Int32.max)")
        }
        guard options.delay >= .zero, options.delay <= Self.maximumDelay else {
            throw StintError.invalidInput("the delay is \(options.delay); it must be between 0 and 100 years")
        }
        if let timeToRun = options.timeToRun {
            guard timeToRun > .zero, timeToRun <= Self.maximumDelay else {
                throw StintError.invalidInput(
                    "the time to run is \(timeToRun); it must be above 0 and at most 100 years")
            }
        }
        guard options.idempotencyKeys.count <= JobOptions.maximumIdempotencyKeys else {
            throw StintError.invalidInput(
                "the job has \(options.idempotencyKeys.count) idempotency keys; at most "
                    + "\(JobOptions.maximumIdempotencyKeys) are allowed")
        }
        if let key = options.uniqueKey { try Self.check(key: key, "unique") }
        for key in options.idempotencyKeys { try Self.check(key: key, "idempotency") }
        if let group = options.group { try Self.check(group: group) }
        if let expires = options.expires {
            guard expires > .zero, expires <= Self.maximumDelay else {
                throw StintError.invalidInput(
                    "the time until the job expires is \(expires); it must be above 0 and at most 100 years")
            }
        }
        try Self.checkConflict(options)
        if let contentType {
            guard !contentType.isEmpty, contentType.utf8.count <= 255,
                contentType.unicodeScalars.allSatisfy({ $0.isASCII && !$0.isControl })
            else {
                throw StintError.invalidInput(
                    "the content type \(quoted(contentType)) is not allowed: use 1 to 255 printable ASCII characters")
            }
        }
        self.queue = queue
        self.payload = payload
        self.contentType = contentType ?? ContentType.guess(payload)
        self.options = options
    }

    static func check(group: String) throws {
        guard !group.isEmpty, group.utf8.count <= maximumGroupBytes else {
            throw StintError.invalidInput(
                "the group has \(group.utf8.count) bytes; it must have 1 to \(maximumGroupBytes)")
        }
        guard !group.unicodeScalars.contains("\0") else {
            throw StintError.invalidInput("the group \(quoted(group)) contains a NUL; remove it")
        }
    }
}
