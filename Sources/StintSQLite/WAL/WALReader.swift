import CStint
import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

/// Reads what is in a log, without SQLite.
final class WALReader {
    private(set) var pageSize = 0
    /// The number of frames that SQLite would read.
    private(set) var frames = 0
    private(set) var changeCounters: (first: UInt32, last: UInt32)?
    private(set) var marks: [(page: Int, mark: FileMark)] = []
    private let file: Int32
    private var pages: Set<Int> = []
    /// The size of the database after the last commit, in pages.
    private var databasePages = 0

    /// `nil` if it cannot be opened; then SQLite reports why.
    init?(_ path: String) {
        file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
    }

    /// The eight bytes of its header, as it is now, that each frame of its round repeats.
    var currentSalts: [UInt8] {
        var salts = [UInt8](repeating: 0, count: 8)
        return pread(file, &salts, 8, 16) == 8 ? salts : []
    }

    func readFrames() {
        var size: UInt32 = 0
        frames = max(0, stint_log_frames(file, &size))
        pageSize = Int(size)
        var frame = [UInt8](repeating: 0, count: 24 + pageSize)
        for number in 0..<frames {
            guard pread(file, &frame, frame.count, off_t(32 + number * frame.count)) == frame.count else { return }
            let page = frame[0..<4].reduce(0) { $0 << 8 | Int($1) }
            let size = frame[4..<8].reduce(0) { $0 << 8 | Int($1) }
            pages.insert(page)
            if size > 0 { databasePages = size }
            if page == 1 {
                let counter = frame[48..<52].reduce(0) { $0 << 8 | UInt32($1) }
                changeCounters = (changeCounters?.first ?? counter, counter)
            } else if let mark = frame.withUnsafeBytes({ FileMark(page: .init(rebasing: $0[24...])) }) {
                marks.append((page, mark))
            }
        }
    }

    /// Whether no page of the database is read from any other place.
    var coversEverything: Bool {
        // The page with the bytes for locks is never written.
        let locks = 0x4000_0000 / max(pageSize, 1) + 1
        return databasePages > 0 && (1...databasePages).allSatisfy { pages.contains($0) || $0 == locks }
    }

    /// The size of the file.
    var size: Int {
        var facts = stat()
        return fstat(file, &facts) == 0 ? Int(facts.st_size) : 0
    }

    func close() { StintPlatform.close(file) }
}
