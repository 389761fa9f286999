import StintCore
import StintWorker

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Functions of the C library by names that no method hides.
enum Platform {
    static func exit(_ code: Int32) -> Never {
        #if canImport(Darwin)
            Darwin.exit(code)
        #else
            Glibc.exit(code)
        #endif
    }

    /// Opens /dev/null in place of closed standard descriptors. Otherwise the next file that is opened would take such
    /// a place, and error messages would be written into it.
    static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Whether this process has a controlling terminal. Valid only until that is hung up.
    static var hasControllingTerminal: Bool {
        let terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else { return false }
        close(terminal)
        return true
    }

    /// Whether this process was started with a signal ignored, as nohup does with SIGHUP.
    static func ignores(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Stops this process until it is continued, as Ctrl-Z does.
    static func suspend() {
        // Signals this very thread: after kill(2) it might run on for a moment, since any thread may get the signal.
        raise(SIGSTOP)
    }

    static func write(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, bytes, count)
        #else
            Glibc.write(descriptor, bytes, count)
        #endif
    }

    static func read(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, bytes, count)
        #else
            Glibc.read(descriptor, bytes, count)
        #endif
    }
}
