import Foundation

/// Files that come with the program.
enum Resources {
    static func folder(_ name: String) throws -> String {
        let folder = Bundle.module.bundlePath + "/Resources"
        guard FileManager.default.fileExists(atPath: folder) else {
            throw SiteProblem("'\(folder)' is missing: build the program again with `swift build --product community`")
        }
        return folder + "/" + name
    }

    static func text(_ name: String) throws -> String {
        try String(contentsOfFile: folder(name), encoding: .utf8)
    }
}
