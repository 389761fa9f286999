import StintPlatform

/// How much processor time this process has used, in seconds with six places.
struct ProcessUsage {
    let user: String
    let system: String

    static var current: ProcessUsage {
        let usage = rusage.ofThisProcess
        return ProcessUsage(user: text(usage.ru_utime), system: text(usage.ru_stime))
    }

    private static func text(_ time: timeval) -> String {
        let fraction = String(time.tv_usec)
        return "\(time.tv_sec).\(String(repeating: "0", count: max(0, 6 - fraction.count)))\(fraction)"
    }
}

/// How the system calls itself: uname(2).
struct SystemName {
    let host: String
    let version: String
    let machine: String

    static var current: SystemName {
        var name = utsname()
        uname(&name)
        return SystemName(host: text(name.nodename), version: text(name.version), machine: text(name.machine))
    }

    private static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
