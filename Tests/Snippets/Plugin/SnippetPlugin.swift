import Foundation
import PackagePlugin

/// Compiles the Swift code of README, guides and docs into the target that uses this plugin. A wrong snippet fails the build,
/// and the error names the line of the Markdown file.
@main
struct SnippetPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let root = context.package.directoryURL
        let extractor = try context.tool(named: "extract-snippets").url
        return try markdownFiles(in: root).map { file in
            let path = file.path.dropFirst(root.path.count)
            let name = path.split { !$0.isLetter && !$0.isNumber }.joined(separator: "_")
            let output = context.pluginWorkDirectoryURL.appending(path: "\(name).swift")
            return .buildCommand(
                displayName: "Extracting the Swift code of \(file.lastPathComponent)", executable: extractor,
                arguments: [file.path, output.path, name], inputFiles: [file], outputFiles: [output])
        }
    }

    /// README.md, docs, the guides in the DocC catalogs, the examples, and a file of tests; those that contain Swift.
    private func markdownFiles(in root: URL) throws -> [URL] {
        let manager = FileManager.default
        var files = try manager.contentsOfDirectory(at: root, includingPropertiesForKeys: nil)
        for folder in ["docs", "Sources", "Examples", "Tests/DocumentationTests"] {
            let paths = try manager.subpathsOfDirectory(atPath: root.appending(path: folder).path)
            files += paths.map { root.appending(path: folder).appending(path: $0) }
        }
        return try files.filter { file in
            guard file.pathExtension == "md" else { return false }
            return try String(contentsOf: file, encoding: .utf8).contains("```swift\n")
        }.sorted { $0.path < $1.path }
    }
}
