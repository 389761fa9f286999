import Foundation

/// Random numbers that can be repeated: SplitMix64 (https://prng.di.unimi.it/splitmix64.c), one addition and a mix for
/// each number. The seeds in docs/reliability.md mean this algorithm.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}

/// The seed of a test, which is printed. `STINT_TEST_SEED=7 swift test …` repeats the choices of a test.
///
/// - Parameter usual: The seed of a test that must fail by a change and not by chance. Other tests use a new one each
///   time.
package func chosenSeed(usual: UInt64? = nil, for test: String = #function) -> UInt64 {
    let chosen = ProcessInfo.processInfo.environment["STINT_TEST_SEED"].flatMap { UInt64($0) }
    let seed = chosen ?? usual ?? .random(in: 0..<1 << 32)
    print("\(test): STINT_TEST_SEED=\(seed)")
    return seed
}
