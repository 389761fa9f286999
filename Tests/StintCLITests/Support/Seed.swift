import Foundation

/// Random numbers that can be repeated: `STINT_TEST_SEED=… swift test` runs a test with the seed that it printed.
///
/// SplitMix64, by Sebastiano Vigna (https://prng.di.unimi.it/splitmix64.c): one addition and a mix for each number.
struct SeededChance: RandomNumberGenerator {
    private var state: UInt64

    /// Prints the seed, with the name of the test that uses it.
    init(for test: String) {
        let given = ProcessInfo.processInfo.environment["STINT_TEST_SEED"].flatMap { UInt64($0) }
        state = given ?? .random(in: .min ... .max)
        print("\(test): STINT_TEST_SEED=\(state)")
    }

    /// For bytes that only need to look random.
    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
