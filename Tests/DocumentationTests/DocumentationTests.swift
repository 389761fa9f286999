import Foundation
import Testing

/// The Swift code of README and guides is compiled into this target by SnippetPlugin, and the tests among it run with it.
@Suite("Documentation")
struct DocumentationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("all Swift code in Markdown is in blocks that the extractor finds")
    func blocks() throws {
        for folder in [".", "docs", "Sources", "Examples"] {
            let url = Self.root.appending(path: folder)
            let paths =
                folder == "."
                ? try FileManager.default.contentsOfDirectory(atPath: url.path)
                : try FileManager.default.subpathsOfDirectory(atPath: url.path)
            for path in paths where path.hasSuffix(".md") {
                let text = try String(contentsOf: url.appending(path: path), encoding: .utf8)
                for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                    let opening = line.lowercased().filter { $0 != " " }.replacing("~", with: "`")
                    guard opening.hasPrefix("```swift") || opening.hasPrefix("<!--swift") else { continue }
                    #expect(
                        line == "```swift" || line == "<!-- swift",
                        "\(path), line \(index + 1): write ```swift or <!-- swift, at the start of the line")
                }
            }
        }
    }
}
