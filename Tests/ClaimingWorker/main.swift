// One of several processes that work on one database at once; tests start it. Not a part of Stint.
//
//   claim DB BATCH          claims from 'q' until nothing is ready, acknowledges, prints "id token" of each job
//   unique DB KEYS          enqueues each of the keys k1…kN once, prints "key id new|duplicate"
//   open DB                 opens (and so makes) the database
//   die DB JOBS STARTS [full|stopped]
//                           registers, claims JOBS from 'q', notes STARTS of them as started and is killed; with
//                           `full`, its scoreboard holds one job and cannot grow; with `stopped`, it notes an order to
//                           stop before
//   die-on-server URL FOLDER JOBS STARTS [full|stopped]
//                           the same in a PostgreSQL database; scoreboards are in FOLDER
//   inside DB gate|lock     goes into the write gate, with `lock` begins a transaction too, prints "inside" and stops
//                           itself; when it is continued, it waits for ever
//   inside DB elected       the same with the lock of the process that is elected to checkpoint
//   operate DB DRIVER MICROSECONDS
//                           makes steps of operations as this driver until none is running, prints "jobs" of each; it
//                           is killed after this time, unless that is 0
//   headless                ends its main thread and lives on in another until its input ends; prints "ready"

import Foundation
import GRDB
import StintCore
import StintPlatform
import StintPostgres
import StintSQLite

let arguments = CommandLine.arguments
if arguments[1] == "headless" { liveWithoutMainThread() }
if arguments[1] == "die-on-server" {
    try await die(PostgresStore.open(arguments[2], options: .init(runFolder: arguments[3])), arguments.dropFirst(4))
}
let queue = try await JobQueue(.sqlite(arguments[2]))

switch arguments[1] {
case "claim":
    let request = ClaimRequest(queues: ["q"], limit: Int(arguments[3])!, lease: .seconds(60), worker: "claimer")
    var settlements: [Settlement] = []
    while true {
        let exchange = try await queue.store.exchange(settlements, for: request)
        precondition(exchange.answers.allSatisfy { $0 == .settled(.done) }, "an ack was refused")
        if exchange.jobs.isEmpty { break }
        print(exchange.jobs.map { "\($0.id) \($0.lease.token)" }.joined(separator: "\n"))
        settlements = exchange.jobs.map { Settlement($0.lease, .ack) }
    }
case "unique":
    for number in (1...Int(arguments[3])!).shuffled() {
        let options = JobOptions(uniqueKey: "k\(number)")
        let answer = try await queue.enqueue(payload: [], in: "q", options: options)
        print("k\(number) \(answer.id) \(answer.isDuplicate ? "duplicate" : "new")")
    }
case "open":
    print(try await queue.store.stats().count)
case "die":
    try await die(queue.store, arguments.dropFirst(3))
case "operate":
    if let time = useconds_t(arguments[4]), time > 0 {
        Thread.detachNewThread {
            usleep(time)
            kill(getpid(), SIGKILL)
        }
    }
    let driver = OperationDriver(token: Int64(arguments[3])!)
    while case .made(_, let changed) = try await queue.store.step(by: driver) {
        print(changed)
        fflush(nil)
    }
case "inside":
    let locks = try DatabaseLocks(beside: arguments[2])
    let connection = try DatabaseQueue(path: arguments[2])
    if arguments[3] == "elected" {
        locks.lock(.checkpoint)
    } else {
        WriteGate(locks).enter()
    }
    try connection.inDatabase { database in
        if arguments[3] == "lock" { try database.execute(sql: "BEGIN IMMEDIATE") }
        print("inside")
        fflush(nil)
        kill(getpid(), SIGSTOP)
        while true { sleep(3_600) }
    }
default:
    preconditionFailure("unknown mode \(arguments[1])")
}

/// - Parameter arguments: JOBS, STARTS, and perhaps what is to happen before.
func die(_ store: some JobStore, _ arguments: ArraySlice<String>) async throws {
    let numbers = arguments.compactMap { Int($0) }
    let process = WorkerProcess.current
    let registration = WorkerRegistration(name: process.name, process: process, queues: ["q"], concurrency: 1)
    let place = try await store.register(registration, as: nil)
    let request = ClaimRequest(
        queues: ["q"], limit: numbers[0], lease: .seconds(3_600), worker: process.name, registration: place.id)
    let jobs = try await store.claim(request)
    if arguments.last == "full" {
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 64, rlim_max: 64)
        setrlimit(ResourceLimit.fileSize, &limit)
    }
    for job in jobs.prefix(numbers[1]) { place.scoreboard.note(ended: nil, started: job.lease) }
    if arguments.last == "stopped" { place.scoreboard.noteOrderToStop() }
    kill(getpid(), SIGKILL)
}

func liveWithoutMainThread() -> Never {
    let main = UnsafeMutablePointer<pthread_t>.allocate(capacity: 1)
    main.initialize(to: pthread_self())
    #if os(macOS)
        var thread: pthread_t?
    #else
        var thread = pthread_t()
    #endif
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { main in
        pthread_join(main!.assumingMemoryBound(to: pthread_t.self).pointee, nil)
        print("ready")
        fflush(nil)
        while readLine() != nil {}
        exit(0)
    }
    pthread_create(&thread, nil, body, main)
    pthread_exit(nil)
}
