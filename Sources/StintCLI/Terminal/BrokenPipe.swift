import StintCore
import StintWorker

/// The reader of standard output is gone (`stint list | head -1`): exit quietly.
struct BrokenPipe: Error {}
