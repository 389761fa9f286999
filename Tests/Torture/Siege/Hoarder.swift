import Foundation

/// Takes all the files that this process may have open, for a moment and again and again, as an application may that leaks
/// connections: whoever needs one then gets EMFILE.
enum Hoarder {
    static func start(seed: UInt64) {
        Thread.detachNewThread {
            var chance = Chance(seed)
            while true {
                // At first a process needs time to begin.
                usleep(.random(in: 300_000...1_500_000, using: &chance))
                var taken: [Int32] = []
                while case let file = dup(0), file >= 0 { taken.append(file) }
                usleep(.random(in: 10_000...400_000, using: &chance))
                for file in taken { close(file) }
            }
        }
    }
}
