import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The kernel's reports of writes to a file.
///
/// `@unchecked Sendable`: only the watching thread uses it.
final class WALWrites: @unchecked Sendable {
    /// Becomes readable after a write.
    let file: Int32

    #if canImport(Darwin)
        private let log: Int32

        init(_ path: String) throws {
            log = open(path, O_EVTONLY | O_CLOEXEC)
            guard log >= 0 else { throw Self.failure() }
            file = kqueue()
            var event = kevent(
                ident: UInt(log), filter: Int16(EVFILT_VNODE), flags: UInt16(EV_ADD | EV_CLEAR),
                fflags: UInt32(NOTE_WRITE | NOTE_EXTEND), data: 0, udata: nil)
            // From here on `deinit` closes them, also when this throws.
            guard file >= 0, kevent(file, &event, 1, nil, 0, nil) == 0 else { throw Self.failure() }
        }

        deinit {
            close(file)
            close(log)
        }

        /// - Returns: Whether it was written to since the last time.
        func clear() -> Bool {
            var event = Darwin.kevent()
            var now = timespec()
            return kevent(file, nil, 0, &event, 1, &now) > 0
        }
    #else
        init(_ path: String) throws {
            file = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard file >= 0 else { throw Self.failure() }
            // From here on `deinit` closes it, also when this throws.
            guard inotify_add_watch(file, path, UInt32(IN_MODIFY)) >= 0 else { throw Self.failure() }
        }

        deinit {
            close(file)
        }

        /// - Returns: Whether it was written to since the last time.
        func clear() -> Bool {
            withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { events in
                var isWritten = false
                while read(file, events.baseAddress, events.count) > 0 { isWritten = true }
                return isWritten
            }
        }
    #endif

    private static func failure() -> StintError {
        StintError(.processFailed, "the log cannot be watched: \(String(cString: strerror(errno)))")
    }
}
