// Runs jobs that kill the process which runs them, in the three ways in which Stint runs jobs:
//
//     CrashingWorker swift DATABASE WORKERS BATCH CONCURRENCY TIMEOUT_MS [stay] [late] [elsewhere]
//                                                                                a Swift service with a supervisor;
//                                                  late: its workers are not ready before the file `go` is there
//                                                  elsewhere: its workers use the database `other.db`
//     CrashingWorker alone DATABASE [LEASE_MS]                                   a Swift worker without one
//     CrashingWorker command PAYLOAD                                             for `stint work`
//     CrashingWorker pipe                                                        for `stint work --pipe`

import Foundation
import Logging
import ServiceLifecycle
import Stint

struct PipeJob: Decodable {
    let id: Int
    let token: Int
    let payload: String
}

let arguments = CommandLine.arguments
switch arguments.dropFirst().first {
case "command":
    CrashMode(payload: arguments[2]).perform(ProcessInfo.processInfo.environment["STINT_JOB_ID"] ?? "?")
case "pipe":
    while let line = readLine() {
        let job = try JSONDecoder().decode(PipeJob.self, from: Data(line.utf8))
        CrashMode(payload: job.payload).perform("\(job.id)")
        let answer = #"{"id":\#(job.id),"token":\#(job.token),"verdict":"done"}"#
        try FileHandle.standardOutput.write(contentsOf: Data((answer + "\n").utf8))
    }
case "alone":
    var options = Worker.Options()
    if let lease = arguments.dropFirst(3).first.flatMap({ Int($0) }) { options.lease = .milliseconds(lease) }
    var worker = Worker(try await JobQueue(.sqlite(arguments[2])), queues: ["default"], options: options)
    worker.registerOthers { context in
        CrashMode(payload: String(decoding: context.job.payload, as: UTF8.self)).perform("\(context.id)")
    }
    try await worker.run()
case "swift":
    let numbers = arguments[3...6].map { Int($0)! }
    let queue = try await JobQueue(.sqlite(arguments[2]))
    var options = SupervisorOptions()
    options.workers = numbers[0]
    options.memoryLimit = 1 << 29
    options.gracePeriod = .seconds(10)
    if arguments.contains("late") { options.startupTimeout = .seconds(1) }
    let supervisor = Supervisor(queue, options: options) { queue in
        if arguments.contains("late") { while access("go", F_OK) != 0 { usleep(2_000) } }
        var options = Worker.Options()
        options.batch = numbers[1]
        options.concurrency = numbers[2]
        options.timeout = .milliseconds(numbers[3])
        options.gracePeriod = .seconds(10)
        options.drains = !arguments.contains("stay")
        let own = arguments.contains("elsewhere") ? try await JobQueue(.sqlite("other.db")) : queue
        var worker = Worker(own, queues: ["default"], options: options)
        worker.registerOthers(retry: .immediate()) { context in
            CrashMode(payload: String(decoding: context.job.payload, as: UTF8.self)).perform("\(context.id)")
        }
        return worker
    }
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [
                .init(service: supervisor, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: Reaper(queue)),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "test")))
    try await group.run()
default:
    fatalError("usage: CrashingWorker swift|command|pipe …")
}
