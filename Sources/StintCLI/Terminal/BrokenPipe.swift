import StintCore
import StintWorker

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The reader of our output has gone (`stint list | head -1`): end quietly.
struct BrokenPipe: Error {}
