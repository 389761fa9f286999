extension AsyncStream<Void> {
    /// Emits at once, whenever this one does, and after each interval, until the task that waits is cancelled. Only the newest
    /// unread value is buffered.
    package func andEvery(_ interval: Duration) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
        let signals = Task { for await _ in self { continuation.yield() } }
        let timer = Task {
            while true {
                do { try await Task.sleep(for: interval) } catch { return }
                continuation.yield()
            }
        }
        continuation.onTermination = { _ in
            signals.cancel()
            timer.cancel()
        }
        return stream
    }
}
