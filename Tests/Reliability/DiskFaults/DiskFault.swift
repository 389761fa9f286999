import CFaults
import GRDBSQLite

/// The errors of a broken disk, and the calls that get them.
package struct DiskFault: Sendable, CustomStringConvertible {
    package let description: String
    let kinds: UInt32
    let code: Int32
    /// Whether it fails until it is repaired, and not once.
    let isLasting: Bool
    /// Whether half of a write that fails is on the disk.
    let isTorn: Bool
    /// Whether a process that has the file open can still read.
    let allowsReading: Bool

    private init(
        _ description: String, _ kinds: UInt32, _ code: Int32, lasts: Bool, torn: Bool = false,
        allowsReading: Bool = true
    ) {
        self.description = description + (lasts ? ", until the disk is repaired" : ", once") + (torn ? ", torn" : "")
        self.kinds = kinds
        self.code = code
        isLasting = lasts
        isTorn = torn
        self.allowsReading = allowsReading
    }

    /// The codes with more detail than `SQLITE_IOERR`, https://sqlite.org/rescode.html.
    private static func failure(_ detail: Int32) -> Int32 { SQLITE_IOERR | detail << 8 }

    /// Every call that SQLite makes to the file system can fail.
    package static let all: [DiskFault] = [false, true].flatMap { lasts in
        [
            DiskFault("a full disk", FAULTS_WRITE, SQLITE_FULL, lasts: lasts),
            DiskFault("a full disk", FAULTS_WRITE, SQLITE_FULL, lasts: lasts, torn: true),
            DiskFault("no room for shared memory", FAULTS_SHM_MAP, failure(19), lasts: lasts, allowsReading: false),
            DiskFault("failing writes", FAULTS_WRITE, failure(3), lasts: lasts),
            DiskFault("failing writes", FAULTS_WRITE, failure(3), lasts: lasts, torn: true),
            DiskFault("failing syncs", FAULTS_SYNC, failure(4), lasts: lasts),
            DiskFault("failing writes and syncs", FAULTS_WRITE | FAULTS_SYNC, failure(3), lasts: lasts),
            DiskFault("failing truncations", FAULTS_TRUNCATE, failure(6), lasts: lasts),
            DiskFault("failing locks", FAULTS_SHM_LOCK, failure(20), lasts: lasts, allowsReading: false),
            DiskFault("failing shared memory", FAULTS_SHM_MAP, failure(21), lasts: lasts, allowsReading: false),
            DiskFault("failing reads", FAULTS_READ, failure(1), lasts: lasts, allowsReading: false),
            DiskFault("failing removals", FAULTS_DELETE | FAULTS_OPEN, failure(10), lasts: lasts),
        ]
    }

    /// The disk breaks at the k-th call, from now on, of those that the fault affects.
    func breakDisk(at call: Int) {
        faults_fail(
            faults_failure(
                kinds: kinds, files: FAULTS_DATABASE | FAULTS_LOG | FAULTS_OTHER, code: code, from: Int64(call),
                count: isLasting ? -1 : 1, torn: isTorn))
    }

    static func mendDisk() { faults_lift() }
}
