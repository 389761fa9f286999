import Stint
import StintCore

/// How a process waits for the write lock of the file.
enum WriteLockSide: String, Codable, CaseIterable {
    case gate
    case busyTimeout = "busy timeout"

    var title: String {
        switch self {
        case .gate: "Stint, with its write gate"
        case .busyTimeout: "Stint, on SQLite's busy timeout"
        }
    }
}

extension SQLiteStore.Options {
    init(_ durability: SyncMode, _ side: WriteLockSide) {
        self.init(durability: Durability(durability))
        waiting = side == .gate ? .gate : .busyTimeout
    }
}
