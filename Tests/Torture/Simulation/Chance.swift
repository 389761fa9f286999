/// All chance of a simulated world, from one seed (SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
///
/// `@unchecked Sendable`: a world has one thread.
final class Chance: RandomNumberGenerator, @unchecked Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    func happens(_ percent: Int) -> Bool { int(1...100) <= percent }

    func one<Element>(of choices: [Element]) -> Element { choices[int(0...choices.count - 1)] }

    func milliseconds(_ range: ClosedRange<Int>) -> Duration { .microseconds(int(range) * 1_000 + int(0...999)) }
}
