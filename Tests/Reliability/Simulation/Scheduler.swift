import CSimulation

/// Runs everything of a simulated world on the calling thread: Swift's jobs, the executors of stores, and timers. It
/// runs a random one of the steps that can run. If none can, the clock moves on to the next timer.
///
/// Everything that a step causes belongs to the process of that step. So a process can be stopped between any two
/// steps, or never run again.
///
/// `@unchecked Sendable`: it has one thread.
final class Scheduler: @unchecked Sendable {
    /// The scheduler whose steps run at the moment: what Swift's runtime calls does not know an object.
    nonisolated(unsafe) private(set) static var running: Scheduler?

    let dice: Dice
    /// The process of the step that runs.
    private(set) var current: LogicalProcess
    /// For what no process does: the faults.
    let faults: LogicalProcess
    /// Nanoseconds of the clock that never jumps.
    private(set) var now: Int64 = 1_000_000_000_000
    /// The wall clock, in nanoseconds.
    var wall: Int64 { now + wallOffset }
    var wallOffset: Int64 = 1_800_000_000_000_000_000
    private(set) var steps = 0

    private var ready: [Step] = []
    private var timers: [Timer] = []
    private var timersMade = 0
    private var isOver = false

    struct Step {
        let process: LogicalProcess
        let action: Action

        enum Action {
            case job(stint_job)
            case executor(SimulatedExecutor)
            case closure(() -> Void)
        }
    }

    private struct Timer {
        let time: Int64
        let number: Int
        let step: Step

        func isBefore(_ other: Timer) -> Bool { (time, number) < (other.time, other.number) }
    }

    init(seed: UInt64) {
        dice = Dice(seed: seed)
        faults = LogicalProcess(name: "faults")
        current = faults
    }

    // MARK: - What will run

    private func add(_ step: Step) {
        switch step.process.state {
        case .running: ready.append(step)
        case .stopped: step.process.held.append(step)
        case .dead: break
        }
    }

    func run(as process: LogicalProcess, _ closure: @escaping () -> Void) {
        add(Step(process: process, action: .closure(closure)))
    }

    func run(after duration: Duration, as process: LogicalProcess, _ closure: @escaping () -> Void) {
        add(at: now + duration.nanoseconds, Step(process: process, action: .closure(closure)))
    }

    func add(_ executor: SimulatedExecutor, of process: LogicalProcess) {
        add(Step(process: process, action: .executor(executor)))
    }

    private func add(at time: Int64, _ step: Step) {
        timersMade += 1
        let timer = Timer(time: time, number: timersMade, step: step)
        // There are few at any time; the next one is the last.
        var (low, high) = (0, timers.count)
        while low < high {
            let middle = (low + high) / 2
            if timer.isBefore(timers[middle]) { low = middle + 1 } else { high = middle }
        }
        timers.insert(timer, at: low)
    }

    /// Does not end early, not even in a cancelled task.
    func pause(_ duration: Duration) async {
        await withUnsafeContinuation { continuation in
            run(after: duration, as: current) { continuation.resume() }
        }
    }

    /// Runs what was held back while the process was stopped.
    func release(_ process: LogicalProcess) {
        ready += process.held
        process.held = []
    }

    func forget() {
        (ready, timers) = ([], [])
    }

    // MARK: - Running

    /// Runs `body` and everything that follows from it, until it returns.
    ///
    /// - Throws: ``SimulationFailure`` if nothing can run any more, or if it does not end.
    func run(until limit: Duration, maximumSteps: Int, _ body: @escaping @Sendable () async -> Void) throws {
        var world = stint_world(
            now: { Scheduler.running!.read(wall: $0) },
            random: { Scheduler.running!.dice.word() },
            ready: { job in
                let scheduler = Scheduler.running!
                scheduler.add(Step(process: scheduler.current, action: .job(job)))
            },
            later: { time, job in
                let scheduler = Scheduler.running!
                scheduler.add(at: time, Step(process: scheduler.current, action: .job(job)))
            })
        Scheduler.running = self
        try withUnsafePointer(to: &world) { world in
            guard stint_simulate(world) else { throw SimulationFailure("there is no simulation on this system") }
            defer {
                stint_simulate(nil)
                Scheduler.running = nil
            }
            Task {
                await body()
                self.isOver = true
            }
            let end = now + limit.nanoseconds
            while !isOver {
                try step()
                guard now < end, steps < maximumSteps else {
                    throw SimulationFailure("after \(limit) of its time, or \(steps) steps, it has come to no end")
                }
            }
        }
    }

    private func step() throws {
        while let timer = timers.last, timer.time <= now || ready.isEmpty {
            timers.removeLast()
            if timer.step.process.state == .dead { continue }
            now = max(now, timer.time)
            add(timer.step)
        }
        guard !ready.isEmpty else { throw SimulationFailure("nothing can run any more: all wait for each other") }
        let index = dice.int(0...ready.count - 1)
        let step = ready[index]
        ready.swapAt(index, ready.count - 1)
        ready.removeLast()
        steps += 1
        switch step.process.state {
        case .dead: return
        case .stopped: step.process.held.append(step)
        case .running: perform(step)
        }
    }

    private func perform(_ step: Step) {
        current = step.process
        switch step.action {
        case .job(let job): job.run(job.context)
        case .executor(let executor): executor.runNext()
        case .closure(let closure): closure()
        }
        current = faults
    }

    /// Does something as if the process did it.
    func perform(as process: LogicalProcess, _ body: () -> Void) {
        let before = current
        current = process
        body()
        current = before
    }

    /// Reading a clock takes time too, so a loop that reads it until it has moved comes to an end.
    private func read(wall isWall: Bool) -> Int64 {
        now += 1_000
        return isWall ? wall : now
    }
}

/// What is wrong with the simulated world itself.
struct SimulationFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
