import StintPlatform

/// Starts a thread that lives as long as this process and receives no signals.
///
/// - Throws: ``StartFailure`` if the system has no more threads.
func startLongLivedThread(_ body: @escaping @Sendable () -> Never) throws {
    do {
        try LongLivedThread.start(body)
    } catch {
        throw StartFailure(.thread, "a thread cannot be created", error.rawValue)
    }
}
