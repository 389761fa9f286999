import StintCore

extension JobFailure {
    /// The error with the diagnostics of the process, on one or more lines that are safe for a terminal.
    var details: String {
        guard let diagnostics else { return printable(error) }
        var lines = diagnostics.tells(error) ? [] : [printable(error)]
        if let facts = diagnostics.facts { lines.append(facts) }
        if let said = diagnostics.standardErrorLines {
            lines.append("standard error:")
            lines += said.map { "| \($0)" }
        }
        return lines.isEmpty ? printable(error) : lines.joined(separator: "\n")
    }
}

extension AttemptDiagnostics {
    /// Whether the diagnostics contain the whole error: `killed by SIGSEGV`, or that and an excerpt of standard error.
    fileprivate func tells(_ error: String) -> Bool {
        guard let howItEnded else { return false }
        return error == howItEnded || standardErrorLines != nil && error.hasPrefix("\(howItEnded): ")
    }

    /// `killed by SIGSEGV after 1.2 s, peak memory 34 MiB`; `nil` if nothing is known.
    fileprivate var facts: String? {
        let time = runTimeMilliseconds.map { "after \(Format.duration(milliseconds: $0))" }
        let end = [howItEnded.map(printable), time].compactMap(\.self).joined(separator: " ")
        let memory = peakMemoryBytes.map { "peak memory \(Format.memory(bytes: $0))" }
        let facts = [end.isEmpty ? nil : end, memory].compactMap(\.self).joined(separator: ", ")
        return facts.isEmpty ? nil : facts
    }

    /// The lines without empty ones at the end; `nil` if there are none.
    fileprivate var standardErrorLines: [String]? {
        guard let standardError else { return nil }
        var lines = printable(standardError).split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        return lines.isEmpty ? nil : lines
    }
}
