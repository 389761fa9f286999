import StintCore

/// What `stint top` shows, computed from readings alone.
struct TopFrame {
    let reading: TopSnapshot
    /// Empty before the second reading.
    let rates: [QueueName: QueueRates]
    let database: String
    /// Why there is no newer reading.
    var trouble: String?

    /// - Parameters:
    ///   - height: `nil` for no limit.
    ///   - hasColours: Whether to use colours, as escape sequences.
    /// - Returns: At most `height` lines, none wider than `width`, safe for a terminal.
    func lines(width: Int, height: Int?, hasColours: Bool) -> [String] {
        func line(_ cells: TopCell...) -> String { TopGrid.line(cells, width: width, hasColours: hasColours) }
        var lines = [head(width, hasColours), line(TopCell(totals))]
        if let otherTotals { lines.append(line(TopCell(otherTotals))) }
        if let schedules { lines.append(line(schedules)) }
        if let trouble { lines.append(line(TopCell(oneLine(trouble, limit: 500), .red))) }
        let sections = [queues, workers, deaths]
        // Each section also has an empty line and its titles. Its last row may be the number of hidden rows instead.
        let room = height.map { max(0, $0 - lines.count - 2 * sections.count) }
        let shares = room.map { Self.shares(of: sections.map(\.rows.count), in: $0) }
        for (index, section) in sections.enumerated() {
            lines.append("")
            guard !section.rows.isEmpty else {
                lines.append(line(TopCell(section.none, .dim)))
                continue
            }
            let share = shares?[index] ?? section.rows.count
            let isCut = share < section.rows.count
            let shown = Array(section.rows.prefix(isCut ? max(0, share - 1) : share))
            lines += TopGrid(section.columns, rows: shown).lines(width: width, hasColours: hasColours)
            if isCut { lines.append(line(TopCell("… \(section.rows.count - shown.count) more", .dim))) }
        }
        return height.map { Array(lines.prefix(max(0, $0))) } ?? lines
    }

    /// Divides lines fairly: those that one section does not need go to the others.
    static func shares(of needs: [Int], in room: Int) -> [Int] {
        var shares = needs.map { _ in 0 }
        var left = room
        let byNeed = needs.indices.sorted { (needs[$0], $0) < (needs[$1], $1) }
        for (position, index) in byNeed.enumerated() {
            shares[index] = min(needs[index], left / (needs.count - position))
            left -= shares[index]
        }
        return shares
    }

    // MARK: - The head

    private func head(_ width: Int, _ hasColours: Bool) -> String {
        let start = "stint top  \(localTime(reading.time))  "
        let path = oneLine(database, limit: .max).cutAtStart(toColumns: max(10, width - start.columns))
        return TopGrid.line([TopCell(start, .bold), TopCell(path)], width: width, hasColours: hasColours)
    }

    private var totals: String {
        var parts = Self.states.map(text)
        if !rates.isEmpty {
            parts.append("\(Format.rate(rates.values.reduce(0) { $0 + $1.done })) done/s")
            parts.append("\(Format.rate(rates.values.reduce(0) { $0 + $1.new })) new/s")
        }
        return parts.joined(separator: ", ")
    }

    private func sum(_ state: JobState) -> Double { reading.queues.reduce(0) { $0 + Double($1.count(of: state)) } }

    private func text(_ state: JobState) -> String { "\(Format.count(sum(state))) \(state.rawValue)" }

    /// What did not become done; `nil` if there is nothing of it.
    private var otherTotals: String? {
        let parts = JobState.allCases.filter { !Self.states.contains($0) && sum($0) != 0 }.map(text)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// The states that each queue shows. The others would take the room of its name and limits.
    private static let states: [JobState] = [.ready, .delayed, .leased, .buried, .done]

    /// How many schedules there are and which ticks next; `nil` if there are none.
    private var schedules: TopCell? {
        guard !reading.schedules.isEmpty else { return nil }
        let count = "\(reading.schedules.count) schedule\(reading.schedules.count == 1 ? "" : "s")"
        if let broken = reading.schedules.first(where: { $0.problem != nil }) {
            return TopCell("\(count); \(oneLine(broken.name, limit: 200)) cannot tick: see stint doctor", .red)
        }
        let coming = reading.schedules.compactMap { schedule in
            schedule.nextTickMilliseconds.map { (name: oneLine(schedule.name, limit: 200), time: $0) }
        }
        guard let next = coming.min(by: { $0.time < $1.time }) else { return TopCell("\(count), all paused") }
        let wait = Format.duration(milliseconds: Format.milliseconds(from: reading.time, to: next.time))
        let late = Format.milliseconds(from: next.time, to: reading.time)
        guard late > Schedule.tolerance.milliseconds else { return TopCell("\(count), next \(next.name) in \(wait)") }
        return TopCell(
            "\(count); \(next.name) is late by \(Format.duration(milliseconds: late)): nothing ticks", .red)
    }

    // MARK: - The sections

    private struct Section {
        let columns: [TopGrid.Column]
        let rows: [[TopCell]]
        /// The text if there are no rows.
        let none: String
    }

    private var queues: Section {
        let titles = Self.states.map(\.rawValue) + ["done/s", "new/s"]
        let columns =
            [TopGrid.Column(title: "queue", isFlexible: true)]
            + titles.map { TopGrid.Column(title: $0, alignedRight: true) }
            + [TopGrid.Column(title: "", isFlexible: true)]
        let rows = reading.queues.map { queue in
            let rate = rates[queue.name]
            let counts = Self.states.map { state in
                let count = queue.count(of: state)
                let limit = state == .leased ? queue.limits.concurrency.map { "/\(Format.count($0))" } : nil
                return TopCell(
                    Format.count(count) + (limit ?? ""), state == .buried && count > 0 ? .red : .plain)
            }
            let limits = queue.limits.shortText
            let notes = [queue.pauseText ?? "", limits].filter { !$0.isEmpty }.joined(separator: " ")
            return [TopCell(oneLine(queue.name.description, limit: 200))] + counts + [
                TopCell(Format.rate(rate?.done)), TopCell(Format.rate(rate?.new)),
                TopCell(notes, queue.paused ? .yellow : .plain),
            ]
        }
        return Section(columns: columns, rows: rows, none: "no queues yet")
    }

    private var workers: Section {
        let columns = [
            TopGrid.Column(title: "worker", isFlexible: true), TopGrid.Column(title: "queues", isFlexible: true),
            TopGrid.Column(title: "job"), TopGrid.Column(title: "age", alignedRight: true),
            TopGrid.Column(title: "memory", alignedRight: true), TopGrid.Column(title: "writer"),
            TopGrid.Column(title: "state"),
        ]
        let rows = reading.workers.map { worker in
            let age = worker.longestRunning.map { Format.duration(milliseconds: $0.runTime?.milliseconds) }
            return [
                TopCell(worker.name), TopCell(worker.queues), TopCell(worker.running(atMost: 1)), TopCell(age ?? "-"),
                TopCell(Format.memory(bytes: worker.residentMemory)), TopCell(worker.writer), state(of: worker),
            ]
        }
        return Section(columns: columns, rows: rows, none: "no workers")
    }

    private func state(of worker: WorkerSnapshot) -> TopCell {
        switch worker.record.liveness {
        case .alive: worker.record.order.map { TopCell($0.rawValue, .yellow) } ?? TopCell("alive")
        case .dead: TopCell("gone", .red)
        case .unknown: TopCell("unknown", .yellow)
        }
    }

    private var deaths: Section {
        let columns = [
            TopGrid.Column(title: "died in job", alignedRight: true), TopGrid.Column(title: "queue", isFlexible: true),
            TopGrid.Column(title: "ago", alignedRight: true), TopGrid.Column(title: "kind"),
            TopGrid.Column(title: "how", isFlexible: true),
        ]
        let rows = reading.deaths.map { death in
            [
                TopCell("\(death.job)"), TopCell(oneLine(death.queue.description, limit: 200)),
                TopCell(
                    Format.duration(
                        milliseconds: Format.milliseconds(from: death.failure.atMilliseconds, to: reading.time))),
                TopCell(death.failure.kind.rawValue), TopCell(oneLine(death.failure.error, limit: 200)),
            ]
        }
        return Section(
            columns: columns, rows: rows,
            none: "no deaths among the last \(TopSnapshot.failuresSearched) attempts that did not succeed")
    }
}
