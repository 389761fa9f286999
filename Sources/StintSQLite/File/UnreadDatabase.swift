import GRDB
import GRDBSQLite
import StintCore

/// The bytes of a database file, without its log. They are read through SQLite's own file, since opening and closing it
/// in another way would drop the locks of this process.
struct UnreadDatabase {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let header: [UInt8]
    /// The memory that all processes share that have the database open; `nil` if there is no such process.
    private let shared: UnsafeMutableRawPointer?

    /// Until this returns, no process that does not already have the database open can read the log, write to it or
    /// checkpoint it.
    static func with(_ file: DatabaseFile, _ body: (UnreadDatabase) throws -> Void) throws {
        var connection: OpaquePointer?
        defer { sqlite3_close(connection) }
        var pointer: UnsafeMutablePointer<sqlite3_file>?
        // Opening alone reads no more than the first hundred bytes. If something is wrong, the real opening reports it.
        guard sqlite3_open_v2(file.target, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK,
            sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &pointer) == SQLITE_OK,
            let pointer, let methods = pointer.pointee.pMethods, methods.pointee.iVersion >= 2
        else { return }
        var shared: UnsafeMutableRawPointer?
        let code = methods.pointee.xShmMap(pointer, 0, 32_768, 0, &shared)
        defer { _ = methods.pointee.xShmUnmap(pointer, 0) }
        // It is read-only and no process has it open: then no process that comes can write.
        guard code == SQLITE_OK || code == ResultCode.SQLITE_READONLY_CANTINIT.rawValue else { return }
        // The locks for writing, for checkpoints and for recovery (https://sqlite.org/walformat.html, section 2.3).
        let flags = SQLITE_SHM_EXCLUSIVE
        var isLocked = false
        if shared == nil && code == SQLITE_OK {
            isLocked = methods.pointee.xShmLock(pointer, 0, 3, SQLITE_SHM_LOCK | flags) == SQLITE_OK
            // Another process has just begun to use it, after the same check.
            guard isLocked else { return }
        }
        defer { if isLocked { _ = methods.pointee.xShmLock(pointer, 0, 3, SQLITE_SHM_UNLOCK | flags) } }
        var header = [UInt8](repeating: 0, count: 100)
        guard methods.pointee.xRead(pointer, &header, 100, 0) == SQLITE_OK else { return }
        try body(UnreadDatabase(file: pointer, header: header, shared: shared))
    }

    private func number(_ offset: Int, _ count: Int) -> UInt32 {
        header[offset..<offset + count].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var pageSize: Int { number(16, 2) == 1 ? 65_536 : Int(number(16, 2)) }

    /// `nil` if it is no database.
    var changeCounter: UInt32? { header.starts(with: Array("SQLite format 3\0".utf8)) ? number(24, 4) : nil }

    var isAutoVacuumed: Bool { number(52, 4) != 0 }

    /// - Parameter file: SQLite's own file.
    init(file: UnsafeMutablePointer<sqlite3_file>, header: [UInt8], shared: UnsafeMutableRawPointer? = nil) {
        self.file = file
        self.header = header
        self.shared = shared
    }

    func mark(onPage number: Int) -> FileMark? {
        bytes(ofPage: number)?.withUnsafeBytes { FileMark(page: $0) }
    }

    /// All marks that can be found there by their magic number, without the page's header. A power cut in a checkpoint
    /// can leave some sectors of a page new and others old, and the log writes the page again.
    func tornMarks(onPage number: Int) -> [FileMark] {
        bytes(ofPage: number)?.withUnsafeBytes { FileMark.all(in: $0) } ?? []
    }

    private func bytes(ofPage number: Int) -> [UInt8]? {
        var page = [UInt8](repeating: 0, count: pageSize)
        let offset = sqlite3_int64(number - 1) * sqlite3_int64(pageSize)
        let methods = file.pointee.pMethods.pointee
        return methods.xRead(file, &page, Int32(pageSize), offset) == SQLITE_OK ? page : nil
    }

    /// Searches the whole file, which takes long; used only before the file would be refused.
    func hasMark(_ isWanted: (FileMark) -> Bool) -> Bool {
        var size: sqlite3_int64 = 0
        guard pageSize >= 512, file.pointee.pMethods.pointee.xFileSize(file, &size) == SQLITE_OK else { return false }
        let pages = Int(size) / pageSize
        return pages >= 2 && (2...pages).contains { mark(onPage: $0).map(isWanted) ?? false }
    }

    /// Whether others have the database open, with this log; `false`: with another log; `nil`: no process has it open.
    ///
    /// - Parameter log: `nil`: there is none.
    func users(_ log: WALReader?) -> Bool? {
        guard let shared else { return nil }
        // Reads again if the log was started again between the two looks.
        for _ in 0..<10 {
            let before = SharedHeader(shared)
            guard before.isInitialized else { return nil }
            if before.frames == 0 { return true }
            if let log, before.salts == log.currentSalts, log.size >= before.logSize { return true }
            if before == SharedHeader(shared) { return false }
        }
        return true
    }

    /// The start of the shared memory (https://sqlite.org/walformat.html, section 2.1).
    private struct SharedHeader: Equatable {
        let isInitialized: Bool
        let frames: UInt32
        let logSize: Int
        let salts: [UInt8]

        init(_ memory: UnsafeMutableRawPointer) {
            isInitialized = memory.load(fromByteOffset: 12, as: UInt8.self) != 0
            let size = memory.load(fromByteOffset: 14, as: UInt16.self)
            frames = memory.load(fromByteOffset: 16, as: UInt32.self)
            logSize = frames == 0 ? 0 : 32 + Int(frames) * (24 + (size == 1 ? 65_536 : Int(size)))
            salts = (32..<40).map { memory.load(fromByteOffset: $0, as: UInt8.self) }
        }
    }
}
