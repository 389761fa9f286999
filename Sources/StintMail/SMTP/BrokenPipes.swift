import StintPlatform

/// SIGPIPE on a thread that has work of others afterwards.
enum BrokenPipes {
    /// Blocks SIGPIPE meanwhile: libcurl leaves this to its user if there are several threads.
    static func blocked<Value>(_ body: () -> Value) -> Value {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        var before = sigset_t()
        sigemptyset(&before)
        pthread_sigmask(SIG_BLOCK, &signals, &before)
        let value = body()
        // One that waits would come when it is not blocked any more.
        var pending = sigset_t()
        sigemptyset(&pending)
        sigpending(&pending)
        if sigismember(&before, SIGPIPE) == 0, sigismember(&pending, SIGPIPE) == 1 {
            var number: Int32 = 0
            sigwait(&signals, &number)
        }
        pthread_sigmask(SIG_SETMASK, &before, nil)
        return value
    }
}
