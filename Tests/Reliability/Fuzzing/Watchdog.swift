import Foundation
import StintPlatform
import Synchronization

/// Reports which case runs when the process is killed by a trap, or when one takes too long.
package enum Watchdog {
    /// How long a case may take.
    private static let limit: Duration = .seconds(90)
    /// Read in a signal handler, so nothing that needs a lock.
    private static let current = Atomic<UInt64>(0)
    private static let began = Mutex(ContinuousClock.now)

    /// Must be called once, before the first case.
    package static func start() {
        // A child need not read its input.
        signal(SIGPIPE, SIG_IGN)
        for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            var action = sigaction()
            action.handler = Self.tell
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
            sigaction(signal, &action, nil)
        }
        Thread.detachNewThread {
            while true {
                sleep(1)
                guard began.withLock({ ContinuousClock.now - $0 }) > limit else { continue }
                print("the case with seed \(current.load(ordering: .relaxed)) hangs")
                print(facts.withLock { $0 }.map { "    \($0)" }.joined(separator: "\n"))
                fflush(nil)
                _exit(3)
            }
        }
    }

    /// What is known of the case so far, for one that hangs.
    static func note(_ lines: [String]) { facts.withLock { $0 = lines } }
    private static let facts = Mutex<[String]>([])

    package static func begin(seed: UInt64) {
        current.store(seed, ordering: .relaxed)
        began.withLock { $0 = .now }
    }

    /// Only what is allowed in a signal handler: no memory, no locks. The signal comes again, and kills.
    private static let tell: @convention(c) (Int32) -> Void = { _ in
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        let text: StaticString = "\ntrapped in the case with the seed "
        _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        withUnsafeMutableBytes(of: &digits) { buffer in
            var rest = current.load(ordering: .relaxed)
            var place = buffer.count - 1
            buffer[place] = 0x0A
            repeat {
                place -= 1
                buffer[place] = UInt8(0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            _ = write(STDERR_FILENO, buffer.baseAddress! + place, buffer.count - place)
        }
    }
}
