import Foundation
import StintCore

/// Templates and samples in files.
enum TemplateFiles {
    private static let ending = ".mustache"
    private static let samplesFolder = "samples"

    static func read(_ folder: String) throws -> (
        templates: [String: String], samples: [String: [String: NotificationValue]]
    ) {
        let files = FileManager.default
        var templates: [String: String] = [:]
        var samples: [String: [String: NotificationValue]] = [:]
        for locale in try list(folder) where !locale.hasPrefix(".") {
            var isFolder: ObjCBool = false
            let path = "\(folder)/\(locale)"
            guard files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { continue }
            for file in try list(path) where !file.hasPrefix(".") {
                if locale == samplesFolder, file.hasSuffix(".json") {
                    samples[String(file.dropLast(5))] = try sample("\(path)/\(file)")
                } else if file.hasSuffix(ending) {
                    templates["\(locale)/\(file.dropLast(ending.count))"] = try text("\(path)/\(file)")
                }
            }
        }
        return (templates, samples)
    }

    private static func list(_ folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw StintError.invalidInput("the folder of templates '\(folder)' cannot be read: \(error)")
        }
    }

    private static func text(_ path: String) throws -> String {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw StintError.invalidInput("the template '\(path)' cannot be read: \(error)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StintError.invalidInput("the template '\(path)' is not in UTF-8: save it as UTF-8")
        }
        return text
    }

    private static func sample(_ path: String) throws -> [String: NotificationValue] {
        do {
            return try JSONDecoder().decode(
                [String: NotificationValue].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw StintError.invalidInput("the sample data '\(path)' is no JSON object of values: \(error)")
        }
    }
}
