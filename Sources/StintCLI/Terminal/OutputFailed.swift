import StintCore
import StintWorker

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard output (not the database) is full or broken: exit code 1.
struct OutputFailed: Error, CustomStringConvertible {
    let description: String
}
