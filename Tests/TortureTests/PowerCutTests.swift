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

    @Test("takes nothing that a server of beanstalkd's protocol has answered")
    func server() async throws {
        let report = try await torture("server-power-cut", "--seed", "\(chosenSeed())", "--cuts", "150")
        #expect(report.contains("150 power cuts at a server; 0 undid what it had answered"))
    }

    @Test("takes what a server has answered where replies do not wait for the log, or as -f 1000 allows")
    func serverWithoutSync() async throws {
        let seed = "\(chosenSeed())"
        let output = try await torture(
            "server-power-cut", "--seed", seed, "--cuts", "100", "--without", "sync", endingWith: 2)
        #expect(output.contains("the last reply says"))
        let normal = try await torture("server-power-cut", "--seed", seed, "--cuts", "100", "--normal")
        #expect(normal.contains("100 power cuts at a server") && !normal.contains("; 0 undid what it had answered"))
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
