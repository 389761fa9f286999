import StintCore
import StintWorker

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The reader of standard output is gone (`stint list | head -1`): exit quietly.
struct BrokenPipe: Error {}
