import StintCore

/// A worker of a simulated world.
struct WorkerPlan: Sendable {
    var queues: [QueueName]
    var concurrency: Int
    var batch: Int?
    var lease: Duration
    var timeout: Duration?
    var ackDelay: Duration
    var gracePeriod: Duration
    var maxJobs: Int?

    init(_ mine: [QueueName]?, _ all: [QueueName], _ dice: Dice) {
        queues = mine ?? dice.one(of: [all, all, [dice.one(of: all)]])
        concurrency = dice.int(1...4)
        batch = dice.one(of: [nil, nil, 1, 2, 10])
        lease = dice.one(of: [
            dice.milliseconds(1_000...2_000), dice.milliseconds(2_000...6_000), dice.milliseconds(6_000...30_000),
        ])
        timeout = dice.one(of: [nil, dice.milliseconds(200...2_000), dice.milliseconds(2_000...10_000)])
        ackDelay = dice.one(of: [.zero, .zero, dice.milliseconds(1...2_000)])
        gracePeriod = dice.milliseconds(0...4_000)
        maxJobs = dice.one(of: [nil, nil, nil, dice.int(1...5)])
    }
}
