import Foundation

/// What the files of a life hold at the end of each step, when nothing happens to it.
package struct Reference: Sendable {
    /// By step; the first is before all.
    package let boundaries: [Fingerprints]
    package let names: [String]

    /// Lives once, in a folder that is removed then.
    package init(in folder: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Life.prepare(folder)
        let boundaries = Box([try Fingerprints(in: folder)])
        let names = Box(["the beginning"])
        try await Life(
            in: folder,
            landmarks: .init(
                begins: { names.value.append($1) },
                ended: { _ in boundaries.value.append(try Fingerprints(in: folder)) })
        ).live()
        self.boundaries = boundaries.value
        self.names = names.value
        try FileManager.default.removeItem(atPath: folder)
    }

    private final class Box<Value> {
        var value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    /// `nil` where the state is that of the end of one of the steps; else what is wrong with it.
    package func objection(to state: Fingerprints, among steps: ClosedRange<Int>) -> String? {
        if steps.contains(where: { boundaries[$0] == state }) { return nil }
        if let other = boundaries.firstIndex(of: state) {
            return "the files are as after step \(other) (\(names[other])) and must be as after one of \(steps)"
        }
        return "the files are as after no step; they differ from step \(steps.lowerBound) (\(names[steps.lowerBound])) by\n"
            + state.difference(from: boundaries[steps.lowerBound])
            + "\nand from step \(steps.upperBound) (\(names[steps.upperBound])) by\n"
            + state.difference(from: boundaries[steps.upperBound])
    }
}
