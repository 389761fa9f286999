import Foundation
import GRDBSQLite

/// What the numbers depend on besides the program.
struct Machine: Codable, Sendable {
    let sqlite: String
    let cores: Int
    let memoryGiB: Double
    let system: String
    /// How busy it was already: the number of processes that want to run (over the last minute).
    let loadAverage: Double
    /// The median time that the disk takes to make 4 KiB durable, which is the least that a commit costs.
    let syncMicroseconds: Double

    init(folder: URL) throws {
        sqlite = String(cString: sqlite3_libversion())
        cores = ProcessInfo.processInfo.activeProcessorCount
        memoryGiB = (Double(ProcessInfo.processInfo.physicalMemory) / Double(1 << 30) * 10).rounded() / 10
        var name = utsname()
        uname(&name)
        system = "\(Self.text(name.sysname)) \(Self.text(name.release)) \(Self.text(name.machine))"
        var load = [0.0]
        loadAverage = getloadavg(&load, 1) == 1 ? load[0] : 0
        syncMicroseconds = try Self.measureSync(folder)
    }

    var text: String {
        """
        SQLite \(sqlite), \(cores) cores, \(memoryGiB.text()) GiB, \(system)
        this disk makes 4 KiB durable in \(syncMicroseconds.text()) µs (median); load average \(loadAverage.text(1))
        """
    }

    private static func text<Tuple>(_ field: Tuple) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func measureSync(_ folder: URL) throws -> Double {
        let file = folder.appendingPathComponent("sync")
        guard FileManager.default.createFile(atPath: file.path, contents: Data(count: 1 << 20)) else {
            throw BenchError("no file can be made in the folder \(folder.path); name another one with --directory")
        }
        let handle = try FileHandle(forUpdating: file)
        try handle.synchronize()
        var times: [Double] = []
        for page in 0..<200 {
            let start = MonotonicClock.nanoseconds()
            try handle.seek(toOffset: UInt64(page) * 4_096)
            try handle.write(contentsOf: Data(repeating: 1, count: 4_096))
            try handle.synchronize()
            times.append(Double(MonotonicClock.nanoseconds() - start) / 1_000)
        }
        try handle.close()
        try FileManager.default.removeItem(at: file)
        return times.median.rounded()
    }
}
