import StintCore
import StintPlatform
import Synchronization

/// The scoreboard of one worker: a file that records which jobs the worker has started. Its lock
/// proves that the worker lives (``LivenessFile``). Each note is one write of 40 bytes to the page cache, which the
/// process's death does not undo, whatever kills it.
///
/// It is written and not mapped: if a mapped file is truncated, the process that writes to it is killed.
///
/// | bytes | |
/// |---|---|
/// | 0–39 | "STINTSB2", its mark, the number of records at its creation, 1 if it was ordered to stop, the file's inode |
/// | 40 each | job, token, start by the monotonic clock in milliseconds, granted attempts (0: the job's own), check sum; all zeros: free |
package final class ScoreboardFile: Scoreboard {
    private static let wordsPerRecord = 5
    package static let recordBytes = 8 * wordsPerRecord
    /// More than a process ever runs at once; a larger file is not one of ours.
    private static let maximumRecords = 1_000_000
    private static let magic = UInt64(bigEndian: 0x5354_494E_5453_4232)
    /// Where the header records that the worker was ordered to stop.
    private static let orderOffset = 3 * 8

    private let mark: Int64
    private let clock: any QueueClock
    private let state: Mutex<State>

    private struct State {
        /// `nil`: it could not be created, or was removed.
        var file: LivenessFile?
        /// Whether all starts are on it.
        var isSound: Bool
        var slots: [Lease: Int] = [:]
        var free: [Int] = []
        var count = 0
    }

    /// Creates the file. If it cannot be created, the worker works without it, and its death shows less.
    ///
    /// - Parameters:
    ///   - path: `nil`: there is no place for it.
    ///   - mark: Stands in the file: the worker's id, or another number of its own. A file with another one is not its.
    ///   - model: Its owner and permissions are the file's too.
    package init(path: String?, mark: Int64, capacity: Int, like model: String, clock: any QueueClock) {
        self.mark = mark
        self.clock = clock
        guard let path else {
            state = Mutex(State(file: nil, isSound: false))
            return
        }
        // A file with this name belongs to no living worker: marks are not used again, but a restored backup may do so.
        unlink(path)
        // The file is written and not just extended, so that a full disk is noticed here and not when a job starts.
        let records = min(capacity, 1_024)
        let file = LivenessFile(path, like: model) { inode in
            [Self.magic, UInt64(bitPattern: mark), UInt64(records), 0, inode]
                + [UInt64](repeating: 0, count: records * Self.wordsPerRecord)
        }
        state = Mutex(State(file: file, isSound: file != nil))
    }

    deinit { remove() }

    package func note(ended: Lease?, started: Lease?, maxAttempts: Int?) {
        state.withLock { state in
            guard state.isSound else { return }
            var slot = ended.flatMap { state.slots.removeValue(forKey: $0) }
            if let started {
                let job = Start(lease: started, time: clock.now().monotonic, maxAttempts: maxAttempts)
                let place = slot ?? state.free.popLast() ?? state.count
                slot = nil
                state.count = max(state.count, place + 1)
                state.slots[started] = place
                put(Record(job, of: mark), at: place, &state)
            }
            if let slot {
                state.free.append(slot)
                put(.free, at: slot, &state)
            }
        }
    }

    package func noteOrderToStop() {
        state.withLock { state in
            guard state.isSound, let file = state.file else { return }
            var order: UInt64 = 1
            if pwrite(file.descriptor, &order, 8, off_t(Self.orderOffset)) != 8 { spoil(&state) }
        }
    }

    private func put(_ record: Record, at slot: Int, _ state: inout State) {
        guard let file = state.file else { return }
        let offset = off_t((slot + 1) * Self.recordBytes)
        let written = withUnsafeBytes(of: record) { pwrite(file.descriptor, $0.baseAddress, $0.count, offset) }
        if written != Self.recordBytes { spoil(&state) }
    }

    /// A scoreboard that misses a start would blame the wrong job, so having none is better. Its lock still proves that
    /// the worker lives.
    private func spoil(_ state: inout State) {
        state.isSound = false
        if let file = state.file { _ = ftruncate(file.descriptor, 0) }
    }

    /// Removes the file: the worker has ended.
    package func remove() {
        state.withLock { state in
            state.file?.remove()
            (state.file, state.isSound) = (nil, false)
        }
    }

    /// Acts as if the process had died; for tests.
    package func abandon() {
        state.withLock { state in
            state.file?.abandon()
            (state.file, state.isSound) = (nil, false)
        }
    }

    // MARK: - Reading another worker's

    /// A job that was started, as it is recorded.
    package struct Start: Sendable, Hashable {
        package var lease: Lease
        /// By the monotonic clock of the worker's boot, in milliseconds.
        package var time: Int64
        package var maxAttempts: Int?

        package init(lease: Lease, time: Int64, maxAttempts: Int? = nil) {
            self.lease = lease
            self.time = time
            self.maxAttempts = maxAttempts
        }

        /// How long the job has run; `nil` if its start was read from another clock than `now`: that of another boot or
        /// time namespace.
        package func runTime(in process: ProcessIdentity, at now: ClockReading) -> Duration? {
            guard process.boot == now.boot, process.mayShareClock(with: .current) else { return nil }
            // A damaged scoreboard can make the difference overflow.
            let (time, overflow) = now.monotonic.subtractingReportingOverflow(time)
            return overflow || time < 0 ? nil : .milliseconds(time)
        }
    }

    package struct Content: Sendable, Equatable {
        package var started: [Start] = []
        package var hasOrderToStop = false

        /// The started jobs, as a store lists them.
        package func startedJobs(in process: ProcessIdentity, at now: ClockReading) -> [StartedJob] {
            started.map {
                StartedJob(lease: $0.lease, runTime: $0.runTime(in: process, at: now), maxAttempts: $0.maxAttempts)
            }
        }
    }

    /// Whether all starts so far are on it.
    package var isSound: Bool { state.withLock(\.isSound) }

    /// What its worker has started; `nil` if there is no scoreboard with this mark, or it is not sound.
    package static func read(_ path: String, of mark: Int64) -> Content? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { StintPlatform.close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size % off_t(recordBytes) == 0,
            (recordBytes...recordBytes * maximumRecords).contains(Int(facts.st_size))
        else { return nil }
        var words = [UInt64](repeating: 0, count: Int(facts.st_size) / 8)
        let count = words.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        // It has fewer records than at its creation: it was truncated, and a start may be missing.
        guard count == facts.st_size, isHeader(words, of: mark, inode: UInt64(facts.st_ino)),
            words[2] <= UInt64(words.count / wordsPerRecord - 1)
        else { return nil }
        var content = Content(hasOrderToStop: words[3] == 1)
        for start in stride(from: wordsPerRecord, to: words.count, by: wordsPerRecord) {
            let record = Record(words[start..<start + wordsPerRecord])
            if record == .free { continue }
            guard let job = record.start, record == Record(job, of: mark) else { return nil }
            content.started.append(job)
        }
        return content
    }

    /// A worker's life by the lock on its scoreboard. A file that was emptied because the disk was full proves it too.
    package static func liveness(_ path: String, of mark: Int64) -> Liveness {
        LivenessFile.liveness(of: path) { words, inode in words.isEmpty || isHeader(words, of: mark, inode: inode) }
    }

    private static func isHeader(_ words: [UInt64], of mark: Int64, inode: UInt64) -> Bool {
        words.count >= wordsPerRecord && words[0] == magic && words[1] == UInt64(bitPattern: mark)
            && words[4] == inode
    }

    /// The bytes of a start, as they stand in the file.
    private struct Record: Equatable {
        private var job: UInt64 = 0
        private var token: UInt64 = 0
        private var time: UInt64 = 0
        private var maxAttempts: UInt64 = 0
        private var check: UInt64 = 0

        static let free = Record()

        private init() {}

        init(_ words: ArraySlice<UInt64>) {
            let first = words.startIndex
            (job, token, time) = (words[first], words[first + 1], words[first + 2])
            (maxAttempts, check) = (words[first + 3], words[first + 4])
        }

        init(_ start: Start, of mark: Int64) {
            job = UInt64(bitPattern: start.lease.job.rawValue)
            token = UInt64(bitPattern: start.lease.token.rawValue)
            time = UInt64(bitPattern: start.time)
            maxAttempts = UInt64(bitPattern: Int64(start.maxAttempts ?? 0))
            // FNV-1a over words: it need not resist an attacker, only recognise garbage.
            check = 0xCBF2_9CE4_8422_2325
            for word in [job, token, time, maxAttempts, UInt64(bitPattern: mark)] {
                check = (check ^ word) &* 0x0000_0100_0000_01B3
            }
        }

        /// `nil` if the words are not a start.
        var start: Start? {
            guard maxAttempts <= UInt64(Int32.max) else { return nil }
            let lease = Lease(
                job: JobID(rawValue: Int64(bitPattern: job)), token: FencingToken(rawValue: Int64(bitPattern: token)))
            return Start(
                lease: lease, time: Int64(bitPattern: time), maxAttempts: maxAttempts == 0 ? nil : Int(maxAttempts))
        }
    }
}
