/// What this process does on signals.
package enum SignalDisposition {
    /// Whether this process ignores a signal. A program is started so by nohup, for example.
    package static func ignores(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Prepares for a source of Dispatch that reports a signal. On Darwin such a source sees signals that are ignored;
    /// on Linux only others, so this does nothing there.
    package static func prepareForDispatch(_ number: Int32) {
        #if canImport(Darwin)
            signal(number, SIG_IGN)
        #endif
    }

    /// Ignores SIGPIPE from now on, in the whole process, unless it has a handler: a process need not read its input,
    /// and writing to one that has ended would end this process.
    package static func ignoreBrokenPipes() {
        if let handler = signal(SIGPIPE, SIG_IGN) { _ = signal(SIGPIPE, handler) }
    }
}

extension sigaction {
    package typealias Handler = @convention(c) (Int32) -> Void

    package var handler: Handler? {
        get {
            #if canImport(Darwin)
                __sigaction_u.__sa_handler
            #elseif canImport(Musl)
                __sa_handler.sa_handler
            #else
                __sigaction_handler.sa_handler
            #endif
        }
        set {
            #if canImport(Darwin)
                __sigaction_u.__sa_handler = newValue
            #elseif canImport(Musl)
                __sa_handler.sa_handler = newValue
            #else
                __sigaction_handler.sa_handler = newValue
            #endif
        }
    }
}
