import StintCore

/// A message of a worker process to its supervisor: one line over a socket.
enum ControlMessage: Hashable, Sendable {
    /// It has registered and claims jobs from now on.
    case ready(WorkerID)
    /// Its threads still run.
    case beat
    /// It ends in an orderly way.
    case ending(WorkerLoop.Ending)

    var line: String {
        switch self {
        case .ready(let id): "ready \(id)\n"
        case .beat: "beat\n"
        case .ending(let ending): "ending \(ending.rawValue)\n"
        }
    }

    /// `nil` for what is not such a line, without its line break.
    init?(line: String) {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        switch (words.first, words.count > 1 ? words[1] : "") {
        case ("ready", let id):
            guard let id = Int64(id) else { return nil }
            self = .ready(WorkerID(rawValue: id))
        case ("beat", ""): self = .beat
        case ("ending", let ending):
            guard let ending = WorkerLoop.Ending(rawValue: ending) else { return nil }
            self = .ending(ending)
        default: return nil
        }
    }
}
