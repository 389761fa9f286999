import Foundation
import StintCore
import StintSQLite
import Testing

@Suite("stint work --max-held bounds the memory of a worker", .inOwnFolder, .timeLimit(.minutes(5)))
struct WorkMemoryTests {
    let place = Workplace.ofThisTest

    #if os(Linux)
        @Test("of 45 jobs of 4 MiB that one claim could take few are in memory at a time, and all run once")
        func bounded() async throws {
            let queue = JobQueue(store: try SQLiteStore(path: place.path("stint.db")))
            let payload = [UInt8](repeating: 7, count: 4 << 20)
            for _ in 0..<45 { try await queue.enqueue(payload: payload) }
            let script = "cat > /dev/null; grep VmHWM /proc/$PPID/status >> peak; echo $STINT_JOB_ID >> ran"
            let outcome = try await place.attempt(
                "work", "--max-held", "16M", "--batch", "64", "--drain", "--", "sh", "-c", script)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(try Set(place.lines("ran")).count == 45 && place.lines("ran").count == 45)
            // `VmHWM:    1234 kB`
            let peaks = try place.lines("peak").compactMap { Int($0.filter(\.isNumber)) }
            // Some 40 MB without any job; all of them would be 190 MB more.
            let highest = try #require(peaks.max())
            #expect(highest < 130_000, "kB")
        }
    #endif

    @Test("a size that is none is refused")
    func refusal() async throws {
        let refusal = try await place.refusal("work", "--max-held", "many", "--", "true")
        #expect(refusal.code == 64 && refusal.sentence.contains("256M"), "\(refusal)")
    }
}

@Suite("A change whose outcome is unknown", .inOwnFolder, .timeLimit(.minutes(5)))
struct UnknownOutcomeTests {
    let place = Workplace.ofThisTest

    @Test(
        "is told apart from one that was refused, by its exit code and by what to do",
        .enabled("processes cannot be traced here") { await Tools.canTraceProcesses() })
    func wording() async throws {
        // Kept open, so that the log does not start again, and no sync can fail before the change is made.
        let store = try SQLiteStore(path: place.path("stint.db"))
        try await JobQueue(store: store).enqueue(payload: [1])
        let outcome = try await place.shell(
            "strace -f -qq -o /dev/null -e inject=fsync,fdatasync:error=EIO \"$stint\" put second")
        #expect(outcome.code == 74, "\(outcome)")
        #expect(outcome.errors.contains("may be undone by a power cut"), "\(outcome)")
        #expect(outcome.errors.contains("check with `stint show` or `stint list` before you try again"), "\(outcome)")
        #expect(try await store.stats().map(\.ready) == [2], "it is there")
    }
}
