/// The kernel's reports of writes to a file.
///
/// `@unchecked Sendable`: only one thread may use it.
package final class FileWrites: @unchecked Sendable {
    /// Becomes readable after a write.
    package let descriptor: Int32

    #if canImport(Darwin)
        private let file: Int32

        package init(_ path: String) throws(Errno) {
            file = open(path, O_EVTONLY | O_CLOEXEC)
            guard file >= 0 else { throw Errno(rawValue: errno) }
            descriptor = kqueue()
            var event = kevent(
                ident: UInt(file), filter: Int16(EVFILT_VNODE), flags: UInt16(EV_ADD | EV_CLEAR),
                fflags: UInt32(NOTE_WRITE | NOTE_EXTEND), data: 0, udata: nil)
            // From here on `deinit` closes them, also when this throws.
            guard descriptor >= 0, kevent(descriptor, &event, 1, nil, 0, nil) == 0 else { throw Errno(rawValue: errno) }
        }

        deinit {
            close(descriptor)
            close(file)
        }

        /// - Returns: Whether it was written to since the last time.
        package func clear() -> Bool {
            var event = Darwin.kevent()
            var now = timespec()
            return kevent(descriptor, nil, 0, &event, 1, &now) > 0
        }
    #else
        package init(_ path: String) throws(Errno) {
            descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard descriptor >= 0 else { throw Errno(rawValue: errno) }
            // From here on `deinit` closes it, also when this throws.
            guard inotify_add_watch(descriptor, path, UInt32(IN_MODIFY)) >= 0 else { throw Errno(rawValue: errno) }
        }

        deinit {
            close(descriptor)
        }

        /// - Returns: Whether it was written to since the last time.
        package func clear() -> Bool {
            withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { events in
                var isWritten = false
                while read(descriptor, events.baseAddress, events.count) > 0 { isWritten = true }
                return isWritten
            }
        }
    #endif
}
