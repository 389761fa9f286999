import Foundation
import StintCore

/// A schedule as a few lines for people, none wider than `width` unless a word is.
struct ScheduleLines {
    private let schedule: ScheduleRecord
    private let width: Int

    init(_ schedule: ScheduleRecord, width: Int) {
        self.schedule = schedule
        self.width = max(40, width)
    }

    var lines: [String] {
        // Without a recurrence the problem is said in its place.
        let problem = schedule.recurrence != nil ? schedule.problem : nil
        let name = oneLine(schedule.name, limit: .max)
        return wrapped(oneLine(schedule.times, limit: 500), after: "\(name): ", indent: 2)
            + field("queue", oneLine(schedule.queue.description, limit: .max) + group)
            + field("missed", schedule.missed.words)
            + (problem.map { field("problem", oneLine($0, limit: 500)) } ?? [])
            + field("last", times(schedule.lastTicks.reversed().map(\.timeMilliseconds)) ?? "never")
            + field("next", next)
    }

    private var group: String { schedule.options.group.map { ", group \(oneLine($0, limit: .max))" } ?? "" }

    private var next: String {
        guard schedule.problem == nil else { return "never; set it again, or delete it" }
        if schedule.isPaused { return "paused" }
        return times(schedule.nextTicks(ScheduleRecord.shownTicks).map(\.timestamp)) ?? "never"
    }

    private func field(_ name: String, _ text: String) -> [String] {
        let head = "  \(name)" + String(repeating: " ", count: 8 - name.count)
        return wrapped(text, after: head, indent: head.count)
    }

    /// Breaks between words, which are separated by one space.
    private func wrapped(_ text: String, after head: String, indent: Int) -> [String] {
        var lines: [String] = []
        var line = head
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.columns + 1 + String(word).columns > width {
                lines.append(line)
                line = String(repeating: " ", count: indent)
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        // A time is one word.
        return (lines + [line]).map { $0.replacing("\u{A0}", with: " ") }
    }

    /// Times in the schedule's zone, each with the offset from UTC if it differs from the one before; with seconds if any
    /// of them has some. `nil` if there are none.
    private func times(_ times: [Timestamp]) -> String? {
        guard !times.isEmpty else { return nil }
        let (time, offset) = (DateFormatter(), DateFormatter())
        for formatter in [time, offset] {
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = schedule.zone
        }
        let hasSeconds = times.contains { $0 % 60_000 != 0 }
        time.dateFormat = hasSeconds ? "yyyy-MM-dd'\u{A0}'HH:mm:ss" : "yyyy-MM-dd'\u{A0}'HH:mm"
        offset.dateFormat = "ZZZ"
        var last = ""
        let parts = times.map { milliseconds -> String in
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            let zone = offset.string(from: date)
            defer { last = zone }
            return time.string(from: date) + (zone == last ? "" : "\u{A0}\(zone)")
        }
        return parts.joined(separator: ", ")
    }
}

extension ScheduleRecord {
    /// That of its times, as far as it has one: otherwise the user's.
    var zone: TimeZone {
        guard case .cron(_, let name)? = recurrence?.kind else { return .current }
        return TimeZone(identifier: name) ?? .current
    }

    /// A time in this zone, to the second.
    func localTime(_ time: Timestamp?) -> String { StintCLI.localTime(time, in: zone) }
}

extension MissedTicks {
    /// What becomes of missed ticks.
    var words: String {
        switch self {
        case .skip: "ticks make no job (skip)"
        case .once: "ticks make one job for all (once)"
        case .all: "ticks make a job each (all)"
        }
    }
}
