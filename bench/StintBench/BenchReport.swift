import Foundation

/// Everything of one run: what `--json` writes.
struct BenchReport: Encodable, Sendable {
    let date: Date
    let machine: Machine
    let settings: Settings
    let series: [Series]
    let ceilings: [CeilingComparison]
    let expectations: [Expectation]
}
