import Foundation

/// The start of a run: one instant of the machine's monotonic clock, the same for all workers.
struct StartBarrier: Sendable {
    let nanoseconds: Int64
    private let cpuAtStart = StartBarrier.cpuMicroseconds()

    init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Far enough ahead that every worker has read it.
    static func soon() -> StartBarrier { StartBarrier(nanoseconds: MonotonicClock.nanoseconds() + 30_000_000) }

    var elapsed: Int64 { MonotonicClock.nanoseconds() - nanoseconds }

    /// The CPU time of this process since the worker had read when the barrier fires.
    var cpuMicroseconds: Int64 { Self.cpuMicroseconds() - cpuAtStart }

    private static func cpuMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Returns when the standard input ends: the process that started this one wants its report. It runs on a thread of
    /// its own, since reading blocks.
    static func waitForEnd() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                while readLine() != nil {}
                continuation.resume()
            }
        }
    }

    /// The worker's side: reports that the file is open, and returns when the barrier fires. No result includes the
    /// time that a process takes to start.
    static func wait() throws -> StartBarrier {
        print("ready")
        fflush(nil)
        guard let line = readLine(), let nanoseconds = Int64(line) else {
            throw BenchError("the worker waited for the start on its standard input and got none")
        }
        MonotonicClock.sleep(until: nanoseconds)
        return StartBarrier(nanoseconds: nanoseconds)
    }
}

/// The clock that all processes of the machine share.
enum MonotonicClock {
    static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Nanoseconds since 1970, which may jump.
    static func wallNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Blocks the thread: the naive designs are programs that do one thing.
    static func sleep(until nanoseconds: Int64) {
        while true {
            let rest = nanoseconds - Self.nanoseconds()
            if rest <= 0 { return }
            var time = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
            nanosleep(&time, nil)
        }
    }

    static func sleep(microseconds: Int) {
        if microseconds > 0 { sleep(until: nanoseconds() + Int64(microseconds) * 1_000) }
    }
}
