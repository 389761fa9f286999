/// What a webhook tells of. As text: `buried`, `death:mail`, `backlog:mail>10000`, `age:mail>10m`, `paused`,
/// `disk<2GiB`. Without a queue it is about each queue.
public struct WebhookEvent: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// Jobs were buried.
        case buried
        /// A worker's process died during attempts, or it is not known how they ended.
        case death
        /// More jobs are ready than a limit.
        case backlog
        /// A job has been ready for longer than a limit.
        case age
        /// A queue was paused, and resumed.
        case paused
        /// Little space is left on the disk under the database.
        case disk
        /// A person asked for a message.
        case test

        /// Whether single happenings are counted; of the others there is a beginning and an end.
        public var isCounted: Bool { self == .buried || self == .death }
    }

    /// Below this much free space `disk` is raised, unless it says otherwise: 1 GiB.
    public static let standardDisk: Int64 = 1 << 30
    /// The most events of a webhook.
    public static let maximumCount = 50

    public let kind: Kind
    /// `nil`: each queue, or none for `disk`.
    public let queue: QueueName?
    /// Jobs, milliseconds or bytes; `nil` for events without one.
    public let limit: Int64?

    /// - Throws: ``StintError`` with the code `invalidInput` that says how to write one.
    public init(_ text: String) throws {
        func reject(_ why: String) -> StintError {
            .invalidInput(
                "the event \(quoted(text)) \(why): write buried, death or paused (or with a queue, as buried:mail), "
                    + "backlog:mail>10000, age:mail>10m, disk, or disk<2GiB")
        }
        guard let kind = Kind(rawValue: String(text.prefix { $0.isASCII && $0.isLetter })), kind != .test else {
            throw reject("is not known")
        }
        let sign: Character? =
            switch kind {
            case .backlog, .age: ">"
            case .disk: "<"
            case .buried, .death, .paused, .test: nil
            }
        // The queue's name may have any of these characters, and the limit has none.
        let place = sign.flatMap { text.lastIndex(of: $0) }
        let value = place.map { String(text[text.index(after: $0)...]) }
        let head = text[..<(place ?? text.endIndex)].dropFirst(kind.rawValue.count)
        guard head.isEmpty || head.hasPrefix(":") else { throw reject("is not known") }
        let colon = head.first == ":" ? head.startIndex : nil
        if kind == .disk, colon != nil { throw reject("names a queue, and a disk has none") }
        queue = try colon.map { try QueueName(String(head[head.index(after: $0)...])) }
        self.kind = kind
        switch (kind, value) {
        case (.backlog, let value?):
            guard let jobs = Int64(value), (1...1_000_000_000_000).contains(jobs) else {
                throw reject("needs a number of jobs from 1 on after the sign")
            }
            limit = jobs
        case (.age, let value?):
            let age = try Duration(units: value)
            guard age >= .seconds(1) else { throw reject("needs a duration of at least 1s after the sign") }
            limit = age.milliseconds
        case (.backlog, nil), (.age, nil): throw reject("has no limit")
        case (.disk, let value?): limit = try Self.bytes(value) ?? { throw reject("needs a size after the sign") }()
        case (.disk, nil): limit = Self.standardDisk
        case (.buried, _), (.death, _), (.paused, _), (.test, _): limit = nil
        }
    }

    private static func bytes(_ text: String) throws -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["MiB": 1 << 20, "M": 1 << 20, "GiB": 1 << 30, "G": 1 << 30, "TiB": 1 << 40]
        guard let number = Int64(digits), number > 0, let unit = units[text.dropFirst(digits.count)],
            case (let bytes, false) = number.multipliedReportingOverflow(by: unit), bytes < 1 << 60
        else { return nil }
        return bytes
    }

    /// The text that it was made from, always in the same form.
    public var description: String {
        let name = kind.rawValue + (queue.map { ":\($0)" } ?? "")
        guard let limit else { return name }
        return switch kind {
        case .backlog: "\(name)>\(limit)"
        case .age: "\(name)>\(Duration.milliseconds(limit).unitsText)"
        case .disk: "\(name)<\(limit >> 20)MiB"
        case .buried, .death, .paused, .test: name
        }
    }

    /// Whether it is about this queue. No webhook tells of Stint's own queue of webhooks, whose jobs would make more of
    /// them.
    public func includes(_ name: QueueName) -> Bool {
        kind != .disk && name != Webhook.queue && (queue == nil || queue == name)
    }
}
