import StintPlatform

extension TimeZoneRules {
    /// Where systems keep the zone files.
    private static let folders = [
        "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
    ]

    /// Reads the rules of a zone.
    ///
    /// - Parameter name: An IANA name, such as `Europe/Berlin`.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    init(named name: String) throws {
        func reject(_ why: String) -> StintError {
            .invalidInput("the time zone \(quoted(name)) \(why)")
        }
        let isName =
            name.utf8.count <= 100 && !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || "_+-/".utf8.contains($0)
            } && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
        guard isName else { throw reject("is not allowed: it must be an IANA name, such as 'Europe/Berlin'") }
        guard name != "UTC" else {
            self = .utc
            return
        }
        guard let folder = Self.folders.first(where: { access($0, R_OK) == 0 }) else {
            throw reject(
                "is not known, because this machine has no \(Self.folders[0]): it must be UTC until the package tzdata is installed"
            )
        }
        let path = "\(folder)/\(name)"
        guard let bytes = SystemFile.bytes(of: path, limit: TimeZoneFile.maximumBytes + 1) else {
            throw reject(
                "is not known on this machine (there is no \(path)): it must be an IANA name, such as 'Europe/Berlin'")
        }
        guard let file = TimeZoneFile(bytes) else {
            throw reject("cannot be read: \(path) is not a zone file, or it counts leap seconds")
        }
        self.init(name: name, changes: file.changes, firstOffset: file.firstOffset, rule: file.rule)
    }

    /// The machine's zone: the environment variable TZ, otherwise /etc/localtime, as for cron; UTC without both.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if it has no name.
    static func ofMachine() throws -> TimeZoneRules {
        if let variable = getenv("TZ") {
            let text = String(cString: variable)
            guard !text.isEmpty, text != ":" else { return .utc }
            let name = text.hasPrefix(":") ? String(text.dropFirst()) : text
            do {
                return try TimeZoneRules(named: zoneName(in: name) ?? name)
            } catch {
                throw StintError.invalidInput("the environment variable TZ names no time zone: \(error)")
            }
        }
        let link = "/etc/localtime"
        if let name = FilePath(link).linkTarget.flatMap(zoneName) ?? realPath(link).flatMap(zoneName) {
            return try TimeZoneRules(named: name)
        }
        // Debian's copy of the name, for a localtime that is no link.
        if let name = SystemFile.text(of: "/etc/timezone", limit: 200)?.split(separator: "\n").first {
            return try TimeZoneRules(named: String(name))
        }
        guard access(link, F_OK) == 0 else { return .utc }
        throw StintError.invalidInput(
            "the machine's time zone has no name (\(link) is no link into \(folders[0])): name a time zone, such as 'Europe/Berlin'"
        )
    }

    /// The part of a path after the folder of the zone files.
    private static func zoneName(in path: String) -> String? {
        path.firstRange(of: "/zoneinfo/").map { String(path[$0.upperBound...]) }
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

extension FilePath {
    /// What a symbolic link points to, as it is written.
    fileprivate var linkTarget: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(string, &buffer, buffer.count - 1)
        guard length > 0 else { return nil }
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
