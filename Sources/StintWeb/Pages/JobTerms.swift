import StintCore

/// The terms of the job list's filter.
struct JobTerms {
    var filter = JobFilter(limit: 50)

    init(_ text: String) throws {
        for word in Self.words(text) {
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch parts.count == 2 ? parts[0] : "" {
            case "queue": filter.queue = try QueueName(parts[1])
            case "state":
                guard let state = parts[1] == "running" ? .leased : JobState(rawValue: parts[1]) else {
                    let known = JobState.allCases.map(\.rawValue).joined(separator: ", ")
                    throw StintError.invalidInput("there is no state \(StintCore.quoted(parts[1])); expected one of \(known)")
                }
                filter.state = state
            default:
                throw StintError.invalidInput("the term \(StintCore.quoted(word)) is not known; expected queue:NAME or state:STATE")
            }
        }
    }

    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var (word, isQuoted, isEscaped) = ("", false, false)
        for character in text {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" && isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character.isWhitespace && !isQuoted {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        return word.isEmpty ? words : words + [word]
    }

    /// A value as a term has it.
    static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || "-_./".utf8.contains($0)
        }
        if isPlain { return value }
        return "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
