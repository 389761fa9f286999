import Foundation
import TestSupport

/// Takes all the files that this process may have open, for a moment and again and again, as an application may that leaks
/// connections: whoever needs one then gets EMFILE.
///
/// Swift's own libdispatch ends its process by SIGILL if it cannot open `/proc/self/task/…/stat` when it looks after its threads,
/// which it does every second under load. So the moments are short, and such a death is one of those that a process may die.
enum Hoarder {
    static let deathOfDispatch = SIGILL

    static func start(seed: UInt64) {
        Thread.detachNewThread {
            var chance = SeededGenerator(seed: seed)
            while true {
                usleep(.random(in: 100_000...500_000, using: &chance))
                var taken: [Int32] = []
                while case let file = dup(0), file >= 0 { taken.append(file) }
                usleep(.random(in: 5_000...80_000, using: &chance))
                for file in taken { close(file) }
            }
        }
    }
}
