import Foundation

/// `extract-snippets MARKDOWN SWIFT NAME` writes the Swift code of a Markdown file into a Swift file that can be compiled.
@main
struct ExtractSnippets {
    static func main() throws {
        let arguments = CommandLine.arguments
        precondition(arguments.count == 4, "expected a Markdown file, a Swift file to write, and the name of its type")
        let markdown = try String(contentsOfFile: arguments[1], encoding: .utf8)
        try MarkdownSnippets(markdown).swiftFile(name: arguments[3], path: arguments[1])
            .write(toFile: arguments[2], atomically: true, encoding: .utf8)
    }
}
