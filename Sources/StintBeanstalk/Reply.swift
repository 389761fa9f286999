import StintCore

/// What the server says to a command.
enum Reply: Hashable, Sendable {
    // Errors of any command.
    case badFormat, unknownCommand, outOfMemory, internalError
    // What a put may get.
    case inserted(JobID)
    case expectedCRLF, jobTooBig, draining
    case using(QueueName)
    // What a reserve may get.
    case reserved(JobID, [UInt8])
    case deadlineSoon, timedOut
    case deleted, released, buried, touched, kickedJob, paused
    case notFound, notIgnored
    case watching(Int)
    case kicked(Int)
    case found(JobID, [UInt8])
    /// With a document in YAML.
    case ok(String)

    /// As it is sent.
    var bytes: [UInt8] {
        switch self {
        case .badFormat: Self.line("BAD_FORMAT")
        case .unknownCommand: Self.line("UNKNOWN_COMMAND")
        case .outOfMemory: Self.line("OUT_OF_MEMORY")
        case .internalError: Self.line("INTERNAL_ERROR")
        case .inserted(let id): Self.line("INSERTED \(id)")
        case .expectedCRLF: Self.line("EXPECTED_CRLF")
        case .jobTooBig: Self.line("JOB_TOO_BIG")
        case .draining: Self.line("DRAINING")
        case .using(let tube): Self.line("USING \(tube)")
        case .reserved(let id, let body): Self.chunk("RESERVED \(id) ", body)
        case .deadlineSoon: Self.line("DEADLINE_SOON")
        case .timedOut: Self.line("TIMED_OUT")
        case .deleted: Self.line("DELETED")
        case .released: Self.line("RELEASED")
        case .buried: Self.line("BURIED")
        case .touched: Self.line("TOUCHED")
        case .kickedJob: Self.line("KICKED")
        case .paused: Self.line("PAUSED")
        case .notFound: Self.line("NOT_FOUND")
        case .notIgnored: Self.line("NOT_IGNORED")
        case .watching(let count): Self.line("WATCHING \(count)")
        case .kicked(let count): Self.line("KICKED \(count)")
        case .found(let id, let body): Self.chunk("FOUND \(id) ", body)
        case .ok(let document): Self.chunk("OK ", Array(document.utf8))
        }
    }

    private static func line(_ text: String) -> [UInt8] { Array(text.utf8) + [0x0D, 0x0A] }

    private static func chunk(_ head: String, _ body: [UInt8]) -> [UInt8] {
        var bytes = Array("\(head)\(body.count)\r\n".utf8)
        bytes.reserveCapacity(bytes.count + body.count + 2)
        bytes += body
        bytes += [0x0D, 0x0A]
        return bytes
    }
}
