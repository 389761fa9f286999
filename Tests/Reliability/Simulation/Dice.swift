import TestSupport

/// All random choices of a simulated world, from its seed; shared by everything in it.
///
/// `@unchecked Sendable`: a world has one thread.
final class Dice: @unchecked Sendable {
    private var chance: SeededGenerator

    init(seed: UInt64) {
        chance = SeededGenerator(seed: seed)
    }

    func word() -> UInt64 { chance.next() }

    func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(word() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    func happens(_ percent: Int) -> Bool { int(1...100) <= percent }

    func one<Element>(of choices: [Element]) -> Element { choices[int(0...choices.count - 1)] }

    func milliseconds(_ range: ClosedRange<Int>) -> Duration { .microseconds(int(range) * 1_000 + int(0...999)) }
}
