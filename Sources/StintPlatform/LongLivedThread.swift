/// A thread that lives as long as this process and receives no signals.
package final class LongLivedThread: Sendable {
    private let body: @Sendable () -> Never

    private init(_ body: @escaping @Sendable () -> Never) {
        self.body = body
    }

    /// - Throws: If the system has no more threads.
    package static func start(_ body: @escaping @Sendable () -> Never) throws(Errno) {
        let argument = Unmanaged.passRetained(LongLivedThread(body)).toOpaque()
        #if canImport(Darwin)
            var thread: pthread_t?
            let error = pthread_create(&thread, nil, { LongLivedThread.run($0) }, argument)
        #else
            var thread = pthread_t()
            let error = pthread_create(&thread, nil, { LongLivedThread.run($0) }, argument)
        #endif
        guard error != 0 else { return }
        Unmanaged<LongLivedThread>.fromOpaque(argument).release()
        throw Errno(rawValue: error)
    }

    private static func run(_ argument: UnsafeMutableRawPointer?) -> Never {
        guard let argument else { preconditionFailure("a thread gets what it was given") }
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        Unmanaged<LongLivedThread>.fromOpaque(argument).takeUnretainedValue().body()
    }
}
