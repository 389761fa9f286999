import Foundation

/// What the files of a workload contain at the end of each step, if it is not disturbed.
package struct Reference: Sendable {
    /// By step; the first is the state before all steps.
    package let boundaries: [Fingerprints]
    package let names: [String]

    let script: ScriptedWorkload.Script

    /// Runs it once, in a folder that is removed then.
    package init(of script: ScriptedWorkload.Script, in folder: String) async throws {
        self.script = script
        try ScriptedWorkload.prepare(folder, for: script)
        let boundaries = Box([try Fingerprints(in: folder)])
        let names = Box(["the beginning"])
        try await ScriptedWorkload(
            in: folder, script: script,
            landmarks: .init(
                begins: { names.value.append($1) },
                ended: { _, _ in boundaries.value.append(try Fingerprints(in: folder)) })
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

    /// The last step after which no file was further than in this state; 0 if there is none.
    func lastStep(of state: Fingerprints) -> Int {
        ScriptedWorkload.files.indices.map { file in boundaries.lastIndex { $0.files[file] == state.files[file] } ?? 0 }
            .min() ?? 0
    }

    /// What is wrong with a state: each file must be as it was at the end of one of the steps.
    package func objections(to state: Fingerprints, among steps: ClosedRange<Int>) -> [String] {
        ScriptedWorkload.files.indices.compactMap { file in
            let found = state.files[file]
            if steps.contains(where: { boundaries[$0].files[file] == found }) { return nil }
            let facts = "\(ScriptedWorkload.files[file]) must be as after one of the steps \(steps), and is as after "
            if let other = boundaries.lastIndex(where: { $0.files[file] == found }) {
                return facts + "step \(other) (\(names[other]))"
            }
            let before = found.difference(from: boundaries[steps.lowerBound].files[file])
            let after = found.difference(from: boundaries[steps.upperBound].files[file])
            return facts + "none. Compared with the first of them:\n\(before)\nCompared with the last:\n\(after)"
        }
    }
}
