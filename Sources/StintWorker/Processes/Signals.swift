#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ignores SIGPIPE from now on, in the whole process, unless it has a handler: a process need not read its input, and
/// writing to one that has ended would end this process.
func ignoreBrokenPipes() {
    if let handler = signal(SIGPIPE, SIG_IGN) { _ = signal(SIGPIPE, handler) }
}
