/// Messages for a supervisor that does not read at the moment. Only the latest of each kind is kept, so the size is
/// bounded.
struct UnsentMessages {
    /// The rest of a line of which a part is sent.
    private var begun: [UInt8] = []
    private var ready: ControlMessage?
    private var ending: ControlMessage?
    private var hasBeaten = false

    mutating func add(_ message: ControlMessage) {
        switch message {
        case .ready: ready = message
        case .ending: ending = message
        case .beat: hasBeaten = true
        }
    }

    var isEmpty: Bool { begun.isEmpty && count == 0 }

    /// The number of messages of which nothing is sent yet.
    var count: Int { [ready, ending].count { $0 != nil } + (hasBeaten ? 1 : 0) }

    /// Sends as much as possible without blocking.
    ///
    /// - Parameter write: Returns how many bytes were sent.
    mutating func send(_ write: (_ bytes: [UInt8]) -> Int) {
        while !begun.isEmpty || takeNext() {
            begun.removeFirst(write(begun))
            if !begun.isEmpty { return }
        }
    }

    /// Takes the next message: readiness first, a heartbeat last.
    private mutating func takeNext() -> Bool {
        var next: ControlMessage?
        if let ready {
            next = ready
            self.ready = nil
        } else if let ending {
            next = ending
            self.ending = nil
        } else if hasBeaten {
            next = .beat
            hasBeaten = false
        }
        begun = next.map { Array($0.line.utf8) } ?? []
        return next != nil
    }
}
