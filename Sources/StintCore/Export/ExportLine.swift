/// A line of an export: a JSON object with one key, which says what the line is. docs/export.md describes the format.
package enum ExportLine: Sendable {
    /// The first line.
    case header(Header)
    case queue(ExportedQueue)
    case group(ExportedGroup)
    case job(StoredJob)
    case schedule(ExportedSchedule)
    case webhook(ExportedWebhook)
    /// The last line.
    case end(ExportCounts)

    /// The only format that there is.
    package static let format = 1
    /// The longest line: a payload of 16 MiB in which each byte is written as `\u0001`, and the rest of its job.
    package static let maximumBytes = 134_217_728

    package struct Header: Sendable, Hashable, Codable {
        package let format: Int
        /// Of the program that has written the export.
        package let version: String

        package init(format: Int = ExportLine.format, version: String) {
            self.format = format
            self.version = version
        }
    }
}

extension ExportLine: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case header = "stint"
        case queue, group, job, schedule, webhook, end
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            let keys = CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")
            throw StintError.invalidInput("it must have one of the keys \(keys)")
        }
        switch key {
        case .header: self = .header(try container.decode(Header.self, forKey: key))
        case .queue: self = .queue(try container.decode(ExportedQueue.self, forKey: key))
        case .group: self = .group(try container.decode(ExportedGroup.self, forKey: key))
        case .job: self = .job(try container.decode(StoredJob.self, forKey: key))
        case .schedule: self = .schedule(try container.decode(ExportedSchedule.self, forKey: key))
        case .webhook: self = .webhook(try container.decode(ExportedWebhook.self, forKey: key))
        case .end: self = .end(try container.decode(ExportCounts.self, forKey: key))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .header(let header): try container.encode(header, forKey: .header)
        case .queue(let queue): try container.encode(queue, forKey: .queue)
        case .group(let group): try container.encode(group, forKey: .group)
        case .job(let job): try container.encode(job, forKey: .job)
        case .schedule(let schedule): try container.encode(schedule, forKey: .schedule)
        case .webhook(let webhook): try container.encode(webhook, forKey: .webhook)
        case .end(let counts): try container.encode(counts, forKey: .end)
        }
    }
}

/// How many jobs an export has of each queue and state.
package struct ExportCounts: Sendable, Hashable, Codable {
    private var counts: [QueueName: [JobState: Int]] = [:]

    package init() {}

    package mutating func add(_ job: JobRecord) { counts[job.queue, default: [:]][job.state, default: 0] += 1 }

    package var queues: [QueueName] { counts.keys.sorted() }

    package var jobs: Int { JobState.allCases.reduce(0) { $0 + count($1) } }

    /// Of all queues.
    package func count(_ state: JobState) -> Int { counts.values.reduce(0) { $0 + ($1[state] ?? 0) } }

    /// The first difference to what was found, in words; `nil` if there is none.
    package func difference(to found: ExportCounts) -> String? {
        for queue in Set(counts.keys).union(found.counts.keys).sorted() {
            for state in JobState.allCases {
                let (expected, actual) = (counts[queue]?[state] ?? 0, found.counts[queue]?[state] ?? 0)
                if expected != actual {
                    return
                        "\(expected) \(state.rawValue) jobs in queue \(quoted(queue.description)), and \(actual) were found"
                }
            }
        }
        return nil
    }

    private struct Keys: CodingKey {
        static let queues = Keys(stringValue: "queues")
        static let name = Keys(stringValue: "name")

        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        var list = try decoder.container(keyedBy: Keys.self).nestedUnkeyedContainer(forKey: .queues)
        while !list.isAtEnd {
            let queue = try list.nestedContainer(keyedBy: Keys.self)
            let name = try queue.decode(QueueName.self, forKey: .name)
            for state in JobState.allCases {
                let count = try queue.decodeIfPresent(Int.self, forKey: Keys(stringValue: state.rawValue)) ?? 0
                if count != 0 { counts[name, default: [:]][state] = count }
            }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        var list = container.nestedUnkeyedContainer(forKey: .queues)
        for name in queues {
            var queue = list.nestedContainer(keyedBy: Keys.self)
            try queue.encode(name, forKey: .name)
            for state in JobState.allCases {
                try queue.encode(counts[name]?[state] ?? 0, forKey: Keys(stringValue: state.rawValue))
            }
        }
    }
}
