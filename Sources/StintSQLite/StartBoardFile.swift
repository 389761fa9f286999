import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The board of one worker: a file beside the database that says which jobs it has started. Each note is one write of 32
/// bytes to the page cache, which the process's death does not undo, whatever kills it.
///
/// It is written and not mapped: a mapped file that somebody truncates kills the process that writes to it.
///
/// | bytes | |
/// |---|---|
/// | 0–31 | "STINTSB1", the worker's id, how many records it was made with, a word of zeros |
/// | 32 each | job, token, start by the monotonic clock in milliseconds, check sum; all zeros: free |
final class StartBoardFile: StartBoard {
    static let recordBytes = 32
    /// More than anybody runs at once in a process; a larger file is not one of ours.
    private static let maximumRecords = 1_000_000
    private static let magic = UInt64(bigEndian: 0x5354_494E_5453_4231)

    private let path: String
    private let worker: WorkerID
    private let state: Mutex<State>

    private struct State {
        /// -1: no board, since it could not be made or written.
        var file: Int32
        var slots: [Lease: Int] = [:]
        var free: [Int] = []
        var count = 0
    }

    /// Makes the file. Where it cannot be made the worker works without, and its death tells less.
    ///
    /// - Parameter database: Whose permissions it gets, so that other users of the database can read it.
    init(path: String, worker: WorkerID, capacity: Int, like database: String? = nil) {
        self.path = path
        self.worker = worker
        // What has this name is of no worker that lives: ids are not used again, but a restored backup may do so.
        unlink(path)
        let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
        state = Mutex(State(file: file))
        guard file >= 0 else { return }
        var facts = stat()
        if let database, stat(database, &facts) == 0 { LockFile.givePermissions(to: file, like: facts) }
        // Written and not just extended, so that a full disk shows here and not when a job starts.
        let records = min(capacity, 1_024)
        var bytes = Self.bytes([Self.magic, UInt64(bitPattern: worker.rawValue), UInt64(records), 0])
        bytes += [UInt8](repeating: 0, count: records * Self.recordBytes)
        if write(file, bytes, bytes.count) != bytes.count { remove() }
    }

    deinit { remove() }

    func note(ended: Lease?, started: Lease?, now: Moment) {
        state.withLock { state in
            guard state.file >= 0 else { return }
            var slot = ended.flatMap { state.slots.removeValue(forKey: $0) }
            if let started {
                let record = Self.record(StartedJob(lease: started, startedAt: now.monotonic), of: worker)
                let place = slot ?? state.free.popLast() ?? state.count
                slot = nil
                state.count = max(state.count, place + 1)
                state.slots[started] = place
                put(record, at: place, &state)
            }
            if let slot {
                state.free.append(slot)
                put([0, 0, 0, 0], at: slot, &state)
            }
        }
    }

    private func put(_ record: [UInt64], at slot: Int, _ state: inout State) {
        let written = record.withUnsafeBytes { pwrite(state.file, $0.baseAddress, $0.count, off_t((slot + 1) * 32)) }
        // A board that misses a start would blame the wrong job: better none.
        if written != Self.recordBytes { close(&state) }
    }

    /// Takes the file away: the worker has ended.
    func remove() {
        state.withLock { close(&$0) }
    }

    private func close(_ state: inout State) {
        guard state.file >= 0 else { return }
        unlink(path)
        #if canImport(Darwin)
            Darwin.close(state.file)
        #else
            Glibc.close(state.file)
        #endif
        state.file = -1
    }

    // MARK: - Reading another worker's

    /// What the worker has started; `nil` where there is no board, or it is not a sound one.
    static func read(_ path: String, of worker: WorkerID) -> [StartedJob]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer {
            #if canImport(Darwin)
                _ = Darwin.close(file)
            #else
                _ = Glibc.close(file)
            #endif
        }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size % off_t(recordBytes) == 0,
            (recordBytes...recordBytes * maximumRecords).contains(Int(facts.st_size))
        else { return nil }
        var words = [UInt64](repeating: 0, count: Int(facts.st_size) / 8)
        let count = words.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        // Fewer records than it was made with: somebody cut it, and a start may be missing.
        guard count == facts.st_size, words[0] == magic, words[1] == UInt64(bitPattern: worker.rawValue),
            words[2] <= UInt64(words.count / 4 - 1)
        else { return nil }
        var started: [StartedJob] = []
        for start in stride(from: 4, to: words.count, by: 4) {
            let record = Array(words[start..<start + 4])
            if record == [0, 0, 0, 0] { continue }
            let lease = Lease(
                job: JobID(rawValue: Int64(bitPattern: record[0])),
                token: FencingToken(rawValue: Int64(bitPattern: record[1])))
            let job = StartedJob(lease: lease, startedAt: Int64(bitPattern: record[2]))
            guard record == Self.record(job, of: worker) else { return nil }
            started.append(job)
        }
        return started
    }

    private static func record(_ job: StartedJob, of worker: WorkerID) -> [UInt64] {
        let words = [job.lease.job.rawValue, job.lease.token.rawValue, job.startedAt].map(UInt64.init(bitPattern:))
        // FNV-1a over words: it need not resist anybody, only tell garbage.
        let check = (words + [UInt64(bitPattern: worker.rawValue)]).reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ $1) &* 0x0000_0100_0000_01B3
        }
        return words + [check]
    }

    private static func bytes(_ words: [UInt64]) -> [UInt8] {
        words.withUnsafeBytes { Array($0) }
    }
}
