/// What the server counts since its start.
struct ServerCounts: Sendable {
    private var commands = Array(repeating: 0, count: Verb.allCases.count)
    var connections = 0
    var connectionsRefused = 0
    var connectionsLost = 0
    var timeouts = 0
    var jobs = 0
    var jobsLost = 0
    var jobsSettled = 0
    var putsRefused: [PutRefusal: Int] = [:]
    var putBatches = 0
    var settlementBatches = 0

    /// Counts a reply to a put.
    mutating func refusePut(_ reply: Reply) {
        if let refusal = PutRefusal(reply) { putsRefused[refusal, default: 0] += 1 }
    }

    subscript(verb: Verb) -> Int {
        get { commands[verb.rawValue] }
        set { commands[verb.rawValue] = newValue }
    }
}
