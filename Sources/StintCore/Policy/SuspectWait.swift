/// When a worker whose process is busy makes room for a suspect, which must run with nothing beside it.
///
/// A worker whose process is empty takes a suspect at once. One whose process is busy passes over it and goes on with the
/// jobs behind it, so that no hand is idle. Where all are busy for ever, the suspect must not wait for ever either: from
/// time to time the worker starts nothing more, until its process is empty or that time is over.
///
/// | waited for | |
/// |---|---|
/// | the first 3/4 of a round | passes over it |
/// | the last 1/4 of a round | makes room |
///
/// The first round takes a second and each one twice as long as the one before, so that in the end one is longer than the
/// longest job; a quarter of the time at most is lost meanwhile. Workers begin at different times, by their ids, so that
/// mostly one of them makes room and the others work on.
package enum SuspectWait {
    package enum Choice: Sendable, Hashable {
        case passOver, makeRoom
    }

    package static let firstRound: Duration = .seconds(1)
    /// How many workers begin at different times, and over how much of the first round.
    private static let places: Int64 = 8

    /// - Parameters:
    ///   - waited: Since the worker first passed over the suspect.
    ///   - worker: Its registration.
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
