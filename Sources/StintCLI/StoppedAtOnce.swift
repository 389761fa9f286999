import ServiceLifecycle
import StintSQLite
import StintWorker
import UnixSignals

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The user did not want to wait: exit code 130, as of a program that SIGINT has ended.
struct StoppedAtOnce: Error {}
