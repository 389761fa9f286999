import Foundation
import StintCore
import StintSQLite
import StoreConformance
import Testing

@Suite("A store that is closed")
struct CloseTests {
    @Test("refuses every call, and ends all wake-ups")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        try await ClosedStore.expectRefusals(of: SQLiteStore(path: folder.database))
    }

    @Test("waits for the calls that are in progress: each of them is answered")
    func calls() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let added = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask {
                    do {
                        try await queue.enqueue(payload: [UInt8(number)], in: "q")
                        return 1
                    } catch let error as StintError where error.code == .closed {
                        return 0
                    }
                }
            }
            group.addTask {
                await queue.close()
                return 0
            }
            return try await group.reduce(0, +)
        }
        let again = try await JobQueue(.sqlite(folder.database))
        #expect(try await again.list(JobFilter(limit: 100)).jobs.count == added)
        await again.close()
    }

    @Test("writes no log into a file that was written over in place, even if no call has looked since")
    func overwritten() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        for _ in 0..<20 { try await queue.enqueue(payload: [1], in: "q") }
        let backup = folder.path + "/backup.db"
        try await queue.store.backup(to: backup)
        for _ in 0..<20 { try await queue.enqueue(payload: [2], in: "q") }
        let copy = try Data(contentsOf: URL(filePath: backup))
        let file = try FileHandle(forWritingTo: URL(filePath: folder.database))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: copy)
        try file.close()
        await queue.close()
        #expect(try Data(contentsOf: URL(filePath: folder.database)) == copy)
    }

    #if os(Linux)
        @Test("holds no file and no thread any more, although the queue still exists")
        func descriptors() async throws {
            let folder = try TemporaryFolder()
            let queue = try await JobQueue(.sqlite(folder.database))
            try await queue.enqueue(payload: [1], in: "q")
            _ = try await queue.stats()
            let wakeUps = queue.store.wakeUps(in: ["q"])
            let reaps = queue.store.reapSignals(every: .seconds(3_600))
            #expect(!Self.files(in: folder.path).isEmpty)
            await queue.close()
            for await _ in wakeUps {}
            for await _ in reaps {}
            // A thread that has just answered may hold the last reference for a moment.
            let deadline = ContinuousClock.now + .seconds(20)
            while !Self.files(in: folder.path).isEmpty {
                try #require(ContinuousClock.now < deadline, "\(Self.files(in: folder.path))")
                await Task.yield()
            }
            await queue.close()
        }

        /// The files in the folder that this process has open.
        private static func files(in folder: String) -> [String] {
            let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            return descriptors.compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            .filter { $0.hasPrefix(folder) }
        }
    #endif
}
