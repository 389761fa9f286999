/// When a worker whose process is busy stops starting other jobs, so that a suspect can run alone.
///
/// A worker whose process is idle takes a suspect at once. One whose process is busy skips it and takes the jobs behind
/// it. If all processes stay busy, the suspect must not wait for ever: from time to time the worker starts nothing
/// more, until its process is idle or that time is over.
///
/// | time waited | the worker |
/// |---|---|
/// | the first 3/4 of a round | skips it |
/// | the last 1/4 of a round | starts nothing more |
///
/// The first round takes a second and each one twice as long as the one before, so that in the end one is longer than
/// the longest job. At most a quarter of the time is lost. Workers begin at different times, depending on their ids, so
/// that usually only one of them starts nothing.
package enum SuspectWait {
    package enum Choice: Sendable, Hashable {
        case passOver, makeRoom
    }

    package static let firstRound: Duration = .seconds(1)
    /// The number of different times within the first round at which workers begin.
    private static let places: Int64 = 8

    /// - Parameters:
    ///   - waited: The time since the worker first skipped the suspect.
    ///   - worker: The worker's registration.
    /// - Returns: What to do, and for how long.
    package static func choice(after waited: Duration, of worker: WorkerID?) -> (choice: Choice, lasts: Duration) {
        let place = abs((worker?.rawValue ?? 0) % places)
        var time = waited - firstRound * Int(place) / Int(places)
        if time < .zero { return (.passOver, .zero - time + firstRound * 3 / 4) }
        var round = firstRound
        while time >= round {
            time -= round
            round = round * 2
        }
        let pass = round * 3 / 4
        return time < pass ? (.passOver, pass - time) : (.makeRoom, round - time)
    }
}
