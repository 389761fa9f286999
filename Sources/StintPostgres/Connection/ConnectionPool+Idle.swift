import StintCore

/// Connections that are not used are closed, if that is wanted: a server's are few, and each is a process.
extension ConnectionPool {
    func closeIdle(after limit: Duration) {
        idleLimit = limit
        closeOverdueIdle()
    }

    /// When an idle connection has been idle for `idleLimit`.
    func idleDeadline(_ connection: ServerConnection) -> ContinuousClock.Instant? {
        guard let idleLimit, let since = connection.idleSince else { return nil }
        return since + idleLimit
    }

    func closeOverdueIdle() {
        var hasClosed = false
        for slot in slots {
            guard let connection = slot.connection, let deadline = idleDeadline(connection), deadline <= .now else {
                continue
            }
            connection.close()
            slot.close()
            hasClosed = true
        }
        if hasClosed, slots.allSatisfy({ $0.connection == nil }) { noteGap() }
    }
}
