/// Messages for a process that does not read at the moment. Only the latest line of each kind is kept. All frames are
/// kept: the sender limits their bytes (``WorkerChannel``).
struct UnsentMessages {
    /// How much is given to the socket at once: a reply with large jobs has more than it takes.
    private static let chunk = 262_144

    /// The rest of a line or a frame of which a part is sent.
    private var begun: [UInt8] = []
    /// How much of it is sent.
    private var sent = 0
    private var ready: ControlMessage?
    private var ending: ControlMessage?
    private var hasBeaten = false
    private var frames: [[UInt8]] = []
    private var frameBytes = 0

    mutating func add(_ message: ControlMessage) {
        switch message {
        case .ready: ready = message
        case .ending: ending = message
        case .beat: hasBeaten = true
        }
    }

    mutating func add(_ frame: [UInt8]) {
        frames.append(frame)
        frameBytes += frame.count
    }

    /// How many bytes of frames wait, with those of which a part is sent.
    var waitingBytes: Int { frameBytes + begun.count - sent }

    var isEmpty: Bool { begun.isEmpty && count == 0 }

    /// The number of messages of which nothing is sent yet.
    var count: Int { [ready, ending].count { $0 != nil } + (hasBeaten ? 1 : 0) + frames.count }

    /// Sends as much as possible without blocking.
    ///
    /// - Parameter write: Returns how many bytes were sent.
    mutating func send(_ write: (_ bytes: [UInt8]) -> Int) {
        while !begun.isEmpty || takeNext() {
            let isWhole = sent == 0 && begun.count <= Self.chunk
            let part = isWhole ? begun : Array(begun[sent...].prefix(Self.chunk))
            let count = write(part)
            sent += count
            if sent == begun.count { (begun, sent) = ([], 0) }
            if count < part.count { return }
        }
    }

    /// Takes the next message: readiness first, a heartbeat last, and the announcement of the end after all frames.
    private mutating func takeNext() -> Bool {
        if ready == nil, !frames.isEmpty {
            begun = frames.removeFirst()
            frameBytes -= begun.count
            return true
        }
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
