import Foundation

/// Everything of one run: what `--json` writes.
struct BenchReport: Codable, Sendable {
    let date: Date
    let machine: Machine
    let settings: Settings
    let series: [Series]
    let ceilings: [CeilingComparison]
    let expectations: [Expectation]

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try (encoder.encode(self) + Data("\n".utf8)).write(to: file)
    }
}
