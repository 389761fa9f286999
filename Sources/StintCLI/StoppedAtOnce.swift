import ServiceLifecycle
import StintWorker
import UnixSignals

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The user stopped the program at once: exit code 130, as for a program that SIGINT has ended.
struct StoppedAtOnce: Error {}
