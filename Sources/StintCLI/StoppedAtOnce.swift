import StintWorker
import UnixSignals

/// The user stopped the program at once: exit code 130, as for a program that SIGINT has ended.
struct StoppedAtOnce: Error {}
