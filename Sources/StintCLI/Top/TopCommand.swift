import ArgumentParser
import StintCore
import StintPlatform

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch queues, workers and deaths, live; q quits.",
        discussion: """
            new/s is the rate of jobs that were put minus those that were deleted. A worker's job is the one that it \
            started first; +N counts the others. With a limit, leased is 2/10: two of at most ten jobs; behind the \
            rates are a queue's other limits, such as 50/1s and 2/group. If standard output is no terminal, the command prints one frame, \
            with rates over one --interval, and exits.

            Example:
              stint top
              stint top --once --interval 10s
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        help: ArgumentHelp("How often to read, and the period of the rates. (default: 1s)", valueName: "duration"),
        transform: DurationArgument.init)
    var interval = DurationArgument.seconds(1)
    @Flag(help: "Print one frame and exit.")
    var once = false

    func validate() throws {
        guard interval.duration >= .milliseconds(100) else {
            throw wrongUsage("--interval is \(interval.description); it must be at least 100ms")
        }
    }

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        if once || !Terminal.canDraw {
            try await printOnce(queue)
        } else {
            let restart = RestartAfterMove(queue.store)
            try await TopView(queue: queue, interval: interval.duration, restart: restart).run()
            try restart.execIfMoved()
        }
    }

    private func printOnce(_ queue: JobQueue<AnyJobStore>) async throws {
        let first = try await TopSnapshot(queue)
        try await Task.sleep(for: interval.duration)
        let second = try await TopSnapshot(queue)
        let frame = TopFrame(
            reading: second, rates: QueueRates.between(first, second),
            database: withoutPassword(queue.store.address))
        try Output.print(
            frame.lines(width: Terminal.size.columns, height: nil, hasColours: false).joined(separator: "\n"))
    }
}

/// The live view on the whole terminal, until the user quits.
private struct TopView {
    private enum Event: Sendable {
        case terminal(TerminalEvents.Event)
        case read(TopSnapshot)
        case failed(String)
        case moved
        /// The database can never be read again.
        case lost(any Error)
    }

    let queue: JobQueue<AnyJobStore>
    let interval: Duration
    let restart: RestartAfterMove

    func run() async throws {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        // Before the screen is changed: from now on no signal ends this process by itself.
        let terminal = TerminalEvents { continuation.yield(.terminal($0)) }
        // A task of its own, so that `q` works while the store is busy.
        let reader = Task { await read { continuation.yield($0) } }
        defer { reader.cancel() }
        let screen = Screen()
        do {
            try screen.enter()
            try await show(events, on: screen)
        } catch let first {
            // The first error is reported: if the terminal is gone, restoring it fails too.
            do { try screen.leave() } catch { throw first }
            throw first
        }
        try screen.leave()
        withExtendedLifetime(terminal) {}
    }

    private func read(_ report: @Sendable (Event) -> Void) async {
        while !Task.isCancelled {
            do {
                if try await restart.isNeeded() { return report(.moved) }
                report(.read(try await TopSnapshot(queue)))
            } catch {
                do {
                    try queue.store.checkStillThere()
                    report(.failed("\(error)"))
                } catch {
                    return report(.lost(error))
                }
            }
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }

    private func show(_ events: AsyncStream<Event>, on screen: Screen) async throws {
        var frame: TopFrame?
        var trouble: String?
        for await event in events {
            switch event {
            case .terminal(.quit), .moved: return
            case .terminal(.resized): break
            case .terminal(.suspended):
                try screen.leave()
                // Signals this very thread: after kill(2) it might run on for a moment, since any thread may get it.
                raise(SIGSTOP)
                try screen.enter()
            case .read(let reading):
                let rates = frame.map { QueueRates.between($0.reading, reading) } ?? [:]
                frame = TopFrame(
                    reading: reading, rates: rates, database: withoutPassword(queue.store.address))
                trouble = nil
            case .failed(let error): trouble = error
            case .lost(let error): throw error
            }
            frame?.trouble = trouble.map { "cannot read; this is as of the time above: \($0)" }
            let (columns, rows) = Terminal.size
            let lines = frame?.lines(width: columns, height: rows, hasColours: Terminal.hasColours)
            try screen.draw(lines ?? [oneLine(trouble ?? "reading …", limit: 500).cut(toColumns: columns)])
        }
    }
}
