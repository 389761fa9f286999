import Foundation
import Logging
import ServiceLifecycle
import Stint
import StintMail

// Builds, enqueues and delivers mails for the checks in Tests/Mail:
//   mail-tool build                                   messages in JSON, a line each, to messages in Base64
//   mail-tool enqueue DB                              messages in JSON, a line each
//   mail-tool enqueue-raw DB SENDER RECIPIENTS        one message on standard input
//   mail-tool deliver DB SERVER [NAME=VALUE...]       until no job is left
//   mail-tool send SERVER SENDER RECIPIENT...         one message on standard input; the answer in JSON
var arguments = CommandLine.arguments.dropFirst()

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(64)
}

@MainActor func next(_ name: String) -> String {
    guard let value = arguments.popFirst() else { fail("\(name) is missing") }
    return value
}

func standardInput() -> Data { FileHandle.standardInput.readDataToEndOfFile() }

func messages() throws -> [Result<MailMessage, any Error>] {
    standardInput().split(separator: 0x0A).map { line in
        Result { try JSONDecoder().decode(MailMessage.self, from: Data(line)) }
    }
}

func printLine(_ value: [String: String]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    FileHandle.standardOutput.write(try encoder.encode(value) + Data("\n".utf8))
}

func build() throws {
    for (index, message) in try messages().enumerated() {
        do {
            let message = try message.get()
            try message.check()
            let again = try JSONDecoder().decode(MailMessage.self, from: try JSONEncoder().encode(message))
            guard again == message else { fail("the JSON of message \(index) is not read as it was written") }
            let bytes = try message.rfc822(id: "corpus-\(index)", date: Date(timeIntervalSince1970: 1_700_000_000))
            try printLine(["message": Data(bytes).base64EncodedString()])
        } catch {
            try printLine(["error": "\(error)"])
        }
    }
}

@MainActor func deliver(_ path: String, _ server: String) async throws {
    var options = Worker.Options()
    options.drains = true
    options.pollInterval = .milliseconds(200)
    var concurrency = 4
    var connections = 20
    var retry = RetryPolicy.constant(.milliseconds(50))
    var smtp = try SMTPServer(server)
    for argument in arguments {
        let pair = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2, let number = Int(pair[1]) else { fail("not NAME=NUMBER: \(argument)") }
        switch pair[0] {
        case "concurrency": concurrency = number
        case "connections": connections = number
        case "retry-ms": retry = .constant(.milliseconds(number))
        case "response-ms": smtp.responseTimeout = .milliseconds(number)
        case "connect-ms": smtp.connectTimeout = .milliseconds(number)
        case "message-ms": smtp.messageTimeout = .milliseconds(number)
        case "drain": options.drains = number != 0
        default: fail("unknown: \(argument)")
        }
    }
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "mail-tool")
    logger.logLevel = .debug
    let queue = try await JobQueue(.sqlite(path))
    let worker = MailWorker(
        queue, transport: SMTPTransport(smtp, maxConnections: connections), concurrency: concurrency, options: options,
        retry: retry, logger: logger)
    let services: [ServiceGroupConfiguration.ServiceConfiguration] = [
        .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup), .init(service: Reaper(queue)),
    ]
    try await ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm], logger: logger)
    ).run()
    await queue.close()
}

@MainActor func send(_ server: String) async throws {
    let sender = next("SENDER")
    var smtp = try SMTPServer(server)
    smtp.responseTimeout = .seconds(3)
    smtp.connectTimeout = .seconds(3)
    let envelope = MailEnvelope(
        sender: sender.isEmpty ? nil : try MailAddress(sender), recipients: try arguments.map { try MailAddress($0) })
    do {
        let receipt = try await SMTPTransport(smtp).send([UInt8](standardInput()), envelope)
        let refused = receipt.refusals.map { "\($0.recipient.address): \($0.reply)" }.joined(separator: "; ")
        try printLine([
            "kind": "accepted", "accepted": receipt.accepted.map(\.address).joined(separator: ","), "refused": refused,
            "reply": "\(receipt.reply)",
        ])
    } catch let failure as SMTPFailure {
        try printLine([
            "kind": "\(failure.kind)", "error": "\(failure)", "reply": failure.reply.map { "\($0)" } ?? "",
            "server": "\(smtp) \(String(reflecting: smtp))",
        ])
    }
}

do {
    switch next("a command") {
    case "build": try build()
    case "enqueue":
        let queue = try await JobQueue(.sqlite(next("DB")))
        let jobs = try messages().flatMap { try $0.get().jobs(in: "mail") }
        try await queue.enqueue(jobs: jobs)
        print(jobs.count)
        await queue.close()
    case "enqueue-raw":
        let queue = try await JobQueue(.sqlite(next("DB")))
        let headers = try Headers(["mail-from": next("SENDER"), "mail-to": next("RECIPIENTS")])
        try await queue.enqueue(
            payload: [UInt8](standardInput()), contentType: MailDelivery.messageContentType, in: "mail",
            options: JobOptions(headers: headers))
        await queue.close()
    case "deliver": try await deliver(next("DB"), next("SERVER"))
    case "send": try await send(next("SERVER"))
    case let other: fail("unknown command \(other)")
    }
} catch {
    fail("\(error)")
}
