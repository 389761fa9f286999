#if Web
    import Configuration
    import Foundation
    import StintCore
    import StintPlatform

    /// Options of `stint serve` that are not given on the command line: in variables, or in a file, in this order.
    struct ServeConfiguration {
        enum Kind {
            case text, number, flag, list

            fileprivate var type: ConfigType {
                switch self {
                case .text: .string
                case .number: .int
                case .flag: .bool
                case .list: .stringArray
                }
            }

            fileprivate var expected: String {
                switch self {
                case .text: "a text in quotes"
                case .number: "a whole number such as 4"
                case .flag: "true or false"
                case .list: "a list of texts, in brackets"
                }
            }

            fileprivate var expectedInVariable: String {
                switch self {
                case .text: "a text"
                case .number: "a whole number such as 4"
                case .flag: "true or false"
                case .list: "texts, each in a line of its own"
                }
            }
        }

        /// The options that may be there, by their names without `--`.
        static let keys: [String: Kind] = [
            "db": .text, "mode": .text, "web": .text, "beanstalk": .text, "allow-remote": .flag, "max-job-size": .text,
            "max-crashes": .number, "group-separator": .text, "auth-file": .text, "read-only": .flag,
            "host-name": .list, "trusted-proxy": .list, "proxy-user-header": .text, "redact": .list,
            "catch-mail": .text, "max-mails": .number, "max-mail-memory": .text, "max-mail-size": .text,
            "dry-run-command": .list, "dry-run-pipe": .list, "work": .list, "work-pipe": .list, "workers": .number,
        ]

        private static let prefix = "STINT_SERVE_"
        private static let fileVariable = prefix + "CONFIG"
        private static let mostBytes = 1_048_576

        /// An option of the command line, and where it comes from.
        private struct Setting {
            let key: String
            let arguments: [String]
            let source: String
        }

        private let settings: [Setting]

        /// - Parameters:
        ///   - file: `nil`: the one that the variable names, or none.
        ///   - given: The arguments of the command line, whose options win.
        /// - Throws: ``StintError`` with the code `invalidInput` that says which key or variable is wrong, and how to write
        ///   it.
        init(file: String?, besides given: [String]) throws {
            var variables = try Self.variables()
            let file = file ?? variables.removeValue(forKey: Self.fileVariable)
            variables[Self.fileVariable] = nil
            var settings = try Self.settings(in: variables)
            if let file {
                let known = Set(settings.map(\.key))
                // The database's own variable is that of all commands.
                let hasDatabase = getenv("STINT_DB").map { $0.pointee != 0 } ?? false
                settings += try Self.settings(inFile: file).filter {
                    !known.contains($0.key) && !($0.key == "db" && hasDatabase)
                }
            }
            let names = Set(given.filter { $0.hasPrefix("--") }.map { $0.dropFirst(2).prefix { $0 != "=" } })
            self.settings = settings.filter { !names.contains($0.key[...]) && !names.contains("no-\($0.key)") }
                .sorted { $0.key < $1.key }
        }

        /// The arguments to put before those of the command line.
        var arguments: [String] { settings.flatMap(\.arguments) }

        /// An error of options, with the places of those that it names.
        func located(_ text: String) -> String {
            let places = settings.filter { setting in
                let option = "--\(setting.key)"
                return text.ranges(of: option).contains { range in
                    text[range.upperBound...].first.map { !$0.isLetter && $0 != "-" } ?? true
                }
            }
            return text + places.map { "; \($0.key) is set in \($0.source)" }.joined()
        }

        // MARK: - Variables

        /// Those of this command that are not empty.
        private static func variables() throws -> [String: String] {
            var found: [String: String] = [:]
            for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix(prefix) {
                // Kubernetes sets these in every container if there is a service with the name stint-serve.
                if ["PORT", "SERVICE_"].contains(where: name.dropFirst(prefix.count).hasPrefix) { continue }
                guard let value = getenv(name), value.pointee != 0 else { continue }
                guard let text = String(validatingCString: value) else {
                    throw StintError.invalidInput("\(name) is not valid UTF-8; expected a text that is")
                }
                found[name] = text
            }
            let known = keys.keys.filter { $0 != "db" }.map(variable) + [fileVariable]
            for name in found.keys.sorted() where !known.contains(name) {
                // The database has the variable that all commands have.
                let near = name == variable("db") ? "STINT_DB" : nearest(to: name, among: known)
                let hint =
                    near.map { "did you mean \($0)?" }
                    ?? "expected \(prefix) and the name of an option, such as \(prefix)WEB"
                throw StintError.invalidInput("\(quoted(name)) is no variable of stint serve: \(hint)")
            }
            return found
        }

        private static func variable(_ key: String) -> String {
            prefix + key.uppercased().replacing("-", with: "_")
        }

        private static func settings(in variables: [String: String]) throws -> [Setting] {
            // A list may end as a text of lines does, with a line break.
            let values = variables.mapValues { $0.last == "\n" ? String($0.dropLast()) : $0 }
            let provider = EnvironmentVariablesProvider(environmentVariables: values, arraySeparator: "\n")
            func wrong(_ key: String, _ kind: Kind) -> String {
                let name = variable(key)
                return "\(name) is \(quoted(variables[name] ?? "")); expected \(kind.expectedInVariable)"
            }
            return try settings(in: provider.snapshot(), under: ["stint", "serve"], from: variable, wrong: wrong)
        }

        // MARK: - The file

        private static func settings(inFile path: String) throws -> [Setting] {
            let bytes = try read(path)
            try ConfigurationFile.check(bytes, of: path)
            let snapshot = try JSONSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: .default)
            func source(_ key: String) -> String { quoted(path) }
            func wrong(_ key: String, _ kind: Kind) -> String { ConfigurationFile.wrongValue(key, kind, of: path) }
            return try settings(in: snapshot, under: [], from: source, wrong: wrong)
        }

        private static func read(_ path: String) throws -> [UInt8] {
            func cannot(_ reason: String) -> StintError {
                .invalidInput(
                    "the configuration \(quoted(path)) cannot be read: \(reason); name another file with --config")
            }
            do {
                let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
                return try file.closeAfter {
                    var bytes: [UInt8] = []
                    var buffer = [UInt8](repeating: 0, count: 65_536)
                    while true {
                        let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                        guard count > 0 else { return bytes }
                        bytes += buffer.prefix(count)
                        guard bytes.count <= mostBytes else { throw cannot("it has more than \(mostBytes) bytes") }
                    }
                }
            } catch let error as Errno {
                throw cannot("\(error)")
            }
        }

        // MARK: - Values

        private static func settings(
            in snapshot: any ConfigSnapshot, under prefix: [String], from source: (String) -> String,
            wrong: (String, Kind) -> String
        ) throws -> [Setting] {
            var settings: [Setting] = []
            for (key, kind) in keys {
                let value: ConfigValue?
                do {
                    value = try snapshot.value(forKey: AbsoluteConfigKey(prefix + [key]), type: kind.type).value
                } catch {
                    throw StintError.invalidInput(wrong(key, kind))
                }
                guard let content = value?.content else { continue }
                settings.append(Setting(key: key, arguments: arguments(key, content), source: source(key)))
            }
            return settings
        }

        private static func arguments(_ key: String, _ content: ConfigContent) -> [String] {
            switch content {
            case .string(let text): ["--\(key)=\(text)"]
            case .int(let number): ["--\(key)=\(number)"]
            case .bool(let isOn): isOn ? ["--\(key)"] : []
            case .stringArray(let texts): texts.map { "--\(key)=\($0)" }
            // No key has such a value.
            case .double, .bytes, .intArray, .doubleArray, .boolArray, .byteChunkArray: []
            }
        }
    }

    /// What a configuration file may be: one JSON object with known keys, and for each its kind of value.
    private enum ConfigurationFile {
        private enum Value: Decodable {
            case text, number, flag, list, null, other

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .null
                } else if (try? container.decode(Bool.self)) != nil {
                    self = .flag
                } else if (try? container.decode(Int.self)) != nil {
                    self = .number
                } else if (try? container.decode(String.self)) != nil {
                    self = .text
                } else if (try? container.decode([String].self)) != nil {
                    self = .list
                } else {
                    self = .other
                }
            }

            func isOf(_ kind: ServeConfiguration.Kind) -> Bool {
                switch (self, kind) {
                case (.text, .text), (.number, .number), (.flag, .flag), (.list, .list), (.null, _): true
                case (.text, _), (.number, _), (.flag, _), (.list, _), (.other, _): false
                }
            }
        }

        static func check(_ bytes: [UInt8], of path: String) throws {
            let values: [String: Value]
            do {
                values = try JSONDecoder().decode([String: Value].self, from: Data(bytes))
            } catch {
                throw StintError.invalidInput(
                    "the configuration \(quoted(path)) is no JSON object: expected options by their names, such as "
                        + #"{"web": "127.0.0.1:8180", "workers": 4}"#)
            }
            for key in values.keys.sorted() {
                guard let kind = ServeConfiguration.keys[key] else {
                    let near = nearest(to: key, among: ServeConfiguration.keys.keys)
                    let hint =
                        near.map { "did you mean \(quoted($0))?" }
                        ?? "expected the name of an option that `stint serve --help` describes, such as 'web'"
                    throw StintError.invalidInput(
                        "the configuration \(quoted(path)) has the unknown key \(quoted(key)): \(hint)")
                }
                guard values[key]!.isOf(kind) else { throw StintError.invalidInput(wrongValue(key, kind, of: path)) }
            }
        }

        static func wrongValue(_ key: String, _ kind: ServeConfiguration.Kind, of path: String) -> String {
            "the configuration \(quoted(path)) has a wrong value for \(quoted(key)): expected \(kind.expected)"
        }
    }
#endif
