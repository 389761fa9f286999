import TestSupport
import Testing

@Suite("A power cut", .timeLimit(.minutes(5)))
struct PowerCutTests {
    @Test("takes nothing that was answered, with full durability")
    func full() async throws {
        let seed = "\(chosenSeed())"
        async let wandering = torture(
            "power-cut", "--seed", seed, "--cuts", "40", "--works-off-every", "4", "--wander", "50", "--lives", "15")
        let whole = try await torture("power-cut", "--seed", seed, "--cuts", "600", "--works-off-every", "4")
        #expect(whole.contains("600 power cuts") && whole.contains("; 0 undid the last effects"))
        let lives = try await wandering
        #expect(lives.contains("600 power cuts in 15 lives") && lives.contains("; 0 undid the last effects"))
    }

    @Test("takes the last effects with it and no others, with normal durability")
    func normal() async throws {
        let seed = "\(chosenSeed())"
        async let wandering = torture(
            "power-cut", "--seed", seed, "--cuts", "40", "--works-off-every", "4", "--wander", "50", "--lives", "15",
            "--normal")
        let whole = try await torture(
            "power-cut", "--seed", seed, "--cuts", "600", "--works-off-every", "4", "--normal")
        #expect(whole.contains("600 power cuts") && !whole.contains("; 0 undid the last effects"))
        let lives = try await wandering
        #expect(lives.contains("600 power cuts in 15 lives") && !lives.contains("; 0 undid the last effects"))
    }

    @Test("takes answered effects where answers do not wait for the log, unless the disk has got everything anyway")
    func withoutSync() async throws {
        let seed = "\(chosenSeed())"
        let output = try await torture(
            "power-cut", "--seed", seed, "--cuts", "100", "--without", "sync", endingWith: 2)
        #expect(output.contains("must be as after one of the steps"))
        try await torture("power-cut", "--seed", seed, "--cuts", "50", "--without", "sync", "--rest", "everything")
    }
}
