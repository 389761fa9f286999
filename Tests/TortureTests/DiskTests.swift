import Testing

@Suite("A disk that fails")
struct DiskTests {
    @Test("at each call, once or until it is mended: what returned is there, what was refused is not, and all goes on")
    func failing() async throws {
        let seed = UInt32.random(in: 0 ... .max)
        print(try await torture("disk", "--seed", "\(seed)", "--stride", "100"))
    }
}
