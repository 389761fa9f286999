import StintCore
import StintPlatform
import Synchronization

/// Where the passes over the full-text index are, which look for jobs that are gone: one a minute, in bounded parts. What
/// they leave behind costs room and changes no answer.
final class IndexSweep: Sendable {
    private let passes = RareLook(every: .seconds(60))
    /// The job behind which the pass goes on; `nil`: none is on its way.
    private let place = Mutex<Int64?>(nil)

    /// Where to go on; `nil`: it is not time.
    func begin(_ now: ClockReading) -> Int64? {
        place.withLock { place in
            if place == nil, passes.isTime(now) { place = .min }
            return place
        }
    }

    /// - Parameter job: The last one that was looked at; `nil`: there are no more.
    func goOn(after job: Int64?) { place.withLock { $0 = job } }

    /// See ``RareLook/forget()``.
    func forget() {
        passes.forget()
        place.withLock { $0 = nil }
    }
}
