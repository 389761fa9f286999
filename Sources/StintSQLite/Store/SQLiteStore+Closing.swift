import StintCore

extension SQLiteStore {
    /// Whether the store is open, and what is in progress.
    struct Lifecycle {
        /// `nil` once it was closed.
        var open: OpenFile?
        /// The number of calls in progress.
        var calls = 0
        /// Resumed when no call is in progress any more.
        var waiting: CheckedContinuation<Void, Never>?
        var closing: Task<Void, Never>?
    }

    private var closedError: StintError { .closed("the database \(quoted(path))") }

    /// - Throws: ``StintError`` with the code `closed`.
    var open: OpenFile {
        get throws {
            guard let open = lifecycle.withLock(\.open) else { throw closedError }
            return open
        }
    }

    var transactions: Writer { get throws { try open.transactions } }
    var writer: Connection { get throws { try open.writer } }
    var reader: Connection { get throws { try open.reader } }

    /// Begins a call, which ``close()`` waits for until ``endCall()``.
    func beginCall() throws -> OpenFile {
        try lifecycle.withLock { lifecycle in
            guard let open = lifecycle.open else { throw closedError }
            lifecycle.calls += 1
            return open
        }
    }

    func endCall() {
        lifecycle.withLock { lifecycle in
            lifecycle.calls -= 1
            guard lifecycle.calls == 0 else { return }
            lifecycle.waiting?.resume()
            lifecycle.waiting = nil
        }
    }

    public func close() async {
        let closing = lifecycle.withLock { lifecycle in
            if let closing = lifecycle.closing { return closing }
            let closing = Task { [open = lifecycle.open] in
                await withCheckedContinuation { waitForCalls($0) }
                await open?.close()
            }
            (lifecycle.open, lifecycle.closing) = (nil, closing)
            return closing
        }
        await closing.value
    }

    private func waitForCalls(_ continuation: CheckedContinuation<Void, Never>) {
        let isIdle = lifecycle.withLock { lifecycle in
            if lifecycle.calls > 0 { lifecycle.waiting = continuation }
            return lifecycle.calls == 0
        }
        if isIdle { continuation.resume() }
    }
}
