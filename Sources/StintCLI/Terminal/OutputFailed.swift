import StintCore
import StintWorker

/// Standard output (not the database) is full or broken: exit code 1.
struct OutputFailed: Error, CustomStringConvertible {
    let description: String
}
