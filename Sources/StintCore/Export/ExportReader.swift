#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads the lines of an export and checks that it is whole: the first line, jobs in the order of their ids, and the counts
/// of the last line. It keeps nothing of the lines but counts.
package struct ExportReader {
    /// How many lines were read.
    package private(set) var lines = 0
    package private(set) var counts = ExportCounts()
    private var lastJob: JobID?
    private var isComplete = false
    private let decoder = JSONDecoder()

    package init() {}

    /// - Throws: ``StintError`` with the code `invalidInput` that names the line, what was expected and what to do.
    package mutating func read(_ bytes: [UInt8]) throws -> ExportLine {
        lines += 1
        guard !isComplete else {
            throw wrong("comes after the last line of the export: import one export at a time")
        }
        let line: ExportLine
        do {
            line = try decoder.decode(ExportLine.self, from: Data(bytes))
        } catch  where lines == 1 {
            throw notAnExport
        } catch {
            throw wrong(
                "cannot be read (\(decodingProblem(error))): expected a line as `stint export` writes it; export again")
        }
        switch line {
        case .header(let header):
            guard lines == 1 else { throw wrong("is the first line of an export: import one export at a time") }
            guard header.format == ExportLine.format else {
                throw wrong(
                    "says that the export has format \(header.format), written by stint \(header.version): this program reads "
                        + "format \(ExportLine.format); import it with that version of stint")
            }
        case _ where lines == 1: throw notAnExport
        case .job(let job): try check(job)
        case .queue(let queue): try wrap { try queue.settings.check() }
        case .group(let group): try wrap { try GroupStats.check(weight: group.weight, ofGroup: group.name) }
        case .schedule(let schedule): try wrap { _ = try schedule.schedule() }
        case .webhook(let webhook): try wrap { _ = try webhook.webhook() }
        case .end(let expected):
            if let difference = expected.difference(to: counts) {
                throw wrong("says that there are \(difference): lines were lost or added; export again")
            }
            isComplete = true
        }
        return line
    }

    /// The input has ended.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if the export was cut off.
    package func finish() throws {
        guard !isComplete else { return }
        throw StintError.invalidInput(
            lines == 0
                ? "the export is empty: expected lines as `stint export` writes them"
                : "the export ends after line \(lines) without its last line, so it was cut off: get all of it, or export again"
        )
    }

    private mutating func check(_ job: StoredJob) throws {
        if let lastJob, job.id <= lastJob {
            throw wrong("has job \(job.id) after job \(lastJob): expected greater ids line by line; export again")
        }
        try wrap { try job.check() }
        lastJob = job.id
        counts.add(job.record)
    }

    private func wrap(_ body: () throws -> Void) throws {
        do { try body() } catch let error as StintError { throw wrong("is refused: \(error)") }
    }

    private var notAnExport: StintError {
        wrong(
            "is not the beginning of an export, such as {\"stint\":{\"format\":\(ExportLine.format),…}}: give what "
                + "`stint export` has written")
    }

    private func wrong(_ text: String) -> StintError { .invalidInput("line \(lines) \(text)") }
}
