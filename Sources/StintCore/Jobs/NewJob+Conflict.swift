extension NewJob {
    /// The most events that a digest can be allowed to have.
    public static let maximumEvents = 100_000

    static func checkConflict(_ options: JobOptions) throws {
        guard options.onConflict == .keep || options.uniqueKey != nil else {
            throw StintError.invalidInput(
                "onConflict is '\(options.onConflict.rawValue)' and there is no unique key: give the job one, by which jobs "
                    + "that belong together are known")
        }
        let collects = options.onConflict == .collect
        if let debounce = options.debounce {
            guard collects else {
                throw StintError.invalidInput(
                    "debounce is given and onConflict is '\(options.onConflict.rawValue)': only 'collect' has a debounce"
                )
            }
            guard debounce > .zero, debounce <= maximumDelay else {
                throw StintError.invalidInput("the debounce is \(debounce); it must be above 0 and at most 100 years")
            }
            guard options.delay == .zero else {
                throw StintError.invalidInput("both a delay and a debounce are given: choose one of them")
            }
        }
        if let atMost = options.atMost {
            guard let debounce = options.debounce else {
                throw StintError.invalidInput(
                    "atMost is given and there is no debounce: it limits how far a debounce moves the start of a digest"
                )
            }
            guard atMost >= debounce, atMost <= maximumDelay else {
                throw StintError.invalidInput(
                    "atMost is \(atMost); it must be between the debounce, \(debounce), and 100 years")
            }
        }
        guard
            collects || options.maxEvents == JobOptions.defaultMaxEvents && options.maxEventBytes == maximumPayloadBytes
        else {
            throw StintError.invalidInput(
                "a limit of events is given and onConflict is '\(options.onConflict.rawValue)': only 'collect' has events"
            )
        }
        guard (1...maximumEvents).contains(options.maxEvents) else {
            throw StintError.invalidInput(
                "maxEvents is \(options.maxEvents); it must be between 1 and \(maximumEvents)")
        }
        guard (1...maximumPayloadBytes).contains(options.maxEventBytes) else {
            throw StintError.invalidInput(
                "maxEventBytes is \(options.maxEventBytes); it must be between 1 and \(maximumPayloadBytes)")
        }
    }
}
