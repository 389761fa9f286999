import NIOCore
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

    /// Appends it as it is sent.
    func write(to buffer: inout ByteBuffer) {
        switch self {
        case .badFormat: buffer.writeStaticString("BAD_FORMAT\r\n")
        case .unknownCommand: buffer.writeStaticString("UNKNOWN_COMMAND\r\n")
        case .outOfMemory: buffer.writeStaticString("OUT_OF_MEMORY\r\n")
        case .internalError: buffer.writeStaticString("INTERNAL_ERROR\r\n")
        case .inserted(let id): Self.write("INSERTED ", id.rawValue, to: &buffer)
        case .expectedCRLF: buffer.writeStaticString("EXPECTED_CRLF\r\n")
        case .jobTooBig: buffer.writeStaticString("JOB_TOO_BIG\r\n")
        case .draining: buffer.writeStaticString("DRAINING\r\n")
        case .using(let tube):
            buffer.writeStaticString("USING ")
            buffer.writeString(tube.description)
            buffer.writeStaticString("\r\n")
        case .reserved(let id, let body): Self.write("RESERVED ", id, body, to: &buffer)
        case .deadlineSoon: buffer.writeStaticString("DEADLINE_SOON\r\n")
        case .timedOut: buffer.writeStaticString("TIMED_OUT\r\n")
        case .deleted: buffer.writeStaticString("DELETED\r\n")
        case .released: buffer.writeStaticString("RELEASED\r\n")
        case .buried: buffer.writeStaticString("BURIED\r\n")
        case .touched: buffer.writeStaticString("TOUCHED\r\n")
        case .kickedJob: buffer.writeStaticString("KICKED\r\n")
        case .paused: buffer.writeStaticString("PAUSED\r\n")
        case .notFound: buffer.writeStaticString("NOT_FOUND\r\n")
        case .notIgnored: buffer.writeStaticString("NOT_IGNORED\r\n")
        case .watching(let count): Self.write("WATCHING ", Int64(count), to: &buffer)
        case .kicked(let count): Self.write("KICKED ", Int64(count), to: &buffer)
        case .found(let id, let body): Self.write("FOUND ", id, body, to: &buffer)
        case .ok(let document):
            Self.write("OK ", Int64(document.utf8.count), to: &buffer)
            buffer.writeString(document)
            buffer.writeStaticString("\r\n")
        }
    }

    private static func write(_ name: StaticString, _ number: Int64, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(name)
        buffer.writeString(String(number))
        buffer.writeStaticString("\r\n")
    }

    private static func write(_ name: StaticString, _ id: JobID, _ body: [UInt8], to buffer: inout ByteBuffer) {
        buffer.writeStaticString(name)
        buffer.writeString(String(id.rawValue))
        write(" ", Int64(body.count), to: &buffer)
        buffer.writeBytes(body)
        buffer.writeStaticString("\r\n")
    }
}
