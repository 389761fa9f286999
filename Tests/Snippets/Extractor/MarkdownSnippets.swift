/// The Swift code of one Markdown file: its ```` ```swift ```` blocks, and its comments that begin with `<!-- swift`, which hold
/// what a reader knows without being told, such as the application's own types.
///
/// - A block that has only declarations (types, functions, tests) becomes members of a type; tests among them run.
/// - The statements of all other blocks become the body of one function. It is compiled and not run. Each block is in a scope
///   inside that of the block before, so that it sees what came before and may use a name again.
/// - Imports move to the top of the file, and `@main` is left out.
struct MarkdownSnippets {
    struct Block: Equatable {
        /// The line of the Markdown file on which the code begins, from 1.
        var line: Int
        var code: [String]

        var isDeclaration: Bool {
            let starts = code.filter { !$0.isEmpty && !$0.hasPrefix(" ") && !$0.hasPrefix("//") }
            return starts.allSatisfy { start in
                let word = start.prefix { $0.isLetter || $0 == "@" }
                return MarkdownSnippets.declarations.contains(String(word)) || "})]".contains(start.first!)
            }
        }
    }

    private static let declarations: Set<String> = [
        "struct", "enum", "final", "class", "actor", "protocol", "func", "typealias", "@Test", "@Suite",
    ]

    private(set) var imports: Set<String> = []
    private(set) var blocks: [Block] = []

    init(_ markdown: String) {
        var block: Block?
        var end = ""
        for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let open = block {
                if line == end {
                    blocks.append(open)
                    block = nil
                } else if line.hasPrefix("import ") {
                    imports.insert(String(line))
                    block?.code.append("")
                } else if line == "@main" {
                    block?.code.append("")
                } else {
                    block?.code.append(String(line))
                }
            } else if line == "```swift" || line == "<!-- swift" {
                end = line == "```swift" ? "```" : "-->"
                block = Block(line: index + 2, code: [])
            }
        }
    }

    /// A Swift file whose compiler errors are reported for the lines of the Markdown file.
    func swiftFile(name: String, path: String) -> String {
        var lines = imports.sorted()
        func append(_ block: Block) {
            lines.append("#sourceLocation(file: \"\(path)\", line: \(block.line))")
            lines += block.code
            lines.append("#sourceLocation()")
        }
        lines.append("struct \(name) {")
        for block in blocks where block.isDeclaration { append(block) }
        lines.append("func statements() async throws {")
        let statements = blocks.filter { !$0.isDeclaration }
        for block in statements {
            lines.append("do {")
            append(block)
        }
        lines += statements.map { _ in "}" }
        lines += ["}", "}", ""]
        return lines.joined(separator: "\n")
    }
}
