import ArgumentParser

/// How a job is run.
enum HandlerWay: String, CaseIterable, Codable, ExpressibleByArgument {
    case commandTrue, commandPHP, pipePHP, pipePHP16, swift

    /// As many as take a second or two.
    var jobs: Int {
        switch self {
        case .commandTrue: 1_000
        case .commandPHP: 200
        case .pipePHP: 20_000
        case .pipePHP16: 40_000
        case .swift: 100_000
        }
    }

    var title: String {
        switch self {
        case .commandTrue: "a command per job: /bin/true"
        case .commandPHP: "a command per job: php -n -r ''"
        case .pipePHP: "--pipe with PHP, one at once"
        case .pipePHP16: "--pipe with PHP, 16 at once"
        case .swift: "in process"
        }
    }

    var needsPHP: Bool {
        switch self {
        case .commandPHP, .pipePHP, .pipePHP16: true
        case .commandTrue, .swift: false
        }
    }

    /// How many jobs a worker runs at the same time.
    var concurrency: Int { self == .pipePHP16 ? 16 : 1 }
}
