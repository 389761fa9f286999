import StintCore

/// The tube into which a client puts jobs: a queue, or with a ``GroupSeparator`` a group of one.
struct UsedTube: Hashable, Sendable {
    /// As the client has written it.
    let name: QueueName
    let queue: QueueName
    /// Jobs that are put are of this group, and jobs that are peeked at or kicked too.
    let group: String?

    static let `default` = UsedTube(.default, .default, nil)

    private init(_ name: QueueName, _ queue: QueueName, _ group: String?) {
        self.name = name
        self.queue = queue
        self.group = group
    }

    /// - Returns: `nil`: before or after the separator there is nothing.
    init?(_ name: QueueName, _ separator: GroupSeparator?) {
        guard let separator, let parts = separator.split(name) else {
            self.init(name, name, nil)
            return
        }
        guard !parts.group.isEmpty, let queue = try? QueueName(parts.queue) else { return nil }
        self.init(name, queue, parts.group)
    }

    /// The jobs that the client means by its tube.
    func query(_ state: JobState) -> JobQuery {
        let query = JobQuery(queue: queue, state: state)
        return group.map { query.adding(JobQuery.Term(.group(QueryText($0)))) } ?? query
    }
}

/// The character in the name of a tube after which a group is named: if it is `;`, a job that is put into `mail;acme` is
/// of the group `acme` in the queue `mail`. Without one, all of a name is that of a queue.
public struct GroupSeparator: Hashable, Sendable {
    private let character: Character

    /// - Throws: ``StintError`` with the code `invalidInput` if it is not one of the characters of tubes' names that are
    ///   neither letters nor digits.
    public init(_ text: String) throws {
        guard let character = text.first, text.count == 1, TubeName.punctuation.contains(character) else {
            throw StintError.invalidInput(
                "the separator of groups is \(quoted(text)); expected one of the characters \(TubeName.punctuation)")
        }
        self.character = character
    }

    func isIn(_ name: QueueName) -> Bool { name.description.contains(character) }

    /// What is before the first separator, and what is after it; `nil`: there is none.
    fileprivate func split(_ name: QueueName) -> (queue: String, group: String)? {
        let parts = name.description.split(separator: character, maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
}
