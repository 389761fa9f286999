#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Starts a thread that lives as long as this process and receives no signals.
///
/// - Throws: ``StartFailure`` if the system has no more threads.
func startLongLivedThread(_ body: @escaping @Sendable () -> Never) throws {
    let argument = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    #if canImport(Darwin)
        var thread: pthread_t?
        let error = pthread_create(&thread, nil, { ThreadBody.run($0) }, argument)
    #else
        var thread = pthread_t()
        let error = pthread_create(&thread, nil, { ThreadBody.run($0) }, argument)
    #endif
    guard error != 0 else { return }
    Unmanaged<ThreadBody>.fromOpaque(argument).release()
    throw StartFailure(.thread, "a thread cannot be created", error)
}

private final class ThreadBody: Sendable {
    private let body: @Sendable () -> Never

    init(_ body: @escaping @Sendable () -> Never) {
        self.body = body
    }

    static func run(_ argument: UnsafeMutableRawPointer?) -> Never {
        guard let argument else { preconditionFailure("a thread gets what it was given") }
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        Unmanaged<ThreadBody>.fromOpaque(argument).takeUnretainedValue().body()
    }
}
